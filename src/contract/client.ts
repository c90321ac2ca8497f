import type { Kernel, Standing, Status, Summary, VerdictPage, VerdictQuery } from './schemas.ts';

/** The part of `fetch` the client needs, so that it runs in a browser and in Node alike. */
export type Get = (url: string) => Promise<{ ok: boolean; status: number; json(): Promise<unknown> }>;

export interface Client {
  status(): Promise<Status>;
  kernels(): Promise<Kernel[]>;
  summary(kernel: string): Promise<Summary>;
  verdicts(kernel: string, query: VerdictQuery): Promise<VerdictPage>;
  standing(cve: string): Promise<Standing>;
}

export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, title: string) {
    super(title);
    this.status = status;
  }
}

/** Reads JSON from the server's HTTP API. Errors: ApiError, with the title that the server gave. */
export function jsonReader(get: Get, base: string): <T>(path: string) => Promise<T> {
  return async <T>(path: string): Promise<T> => {
    const response = await get(`${base}/api/v1${path}`);
    const body = await response.json();
    if (!response.ok)
      throw new ApiError(
        response.status,
        (body as { title?: string }).title ?? `the server answered ${response.status}`,
      );
    return body as T;
  };
}

/** A typed client of the server's HTTP API. */
export function createClient(get: Get, base: string): Client {
  const read = jsonReader(get, base);
  return {
    status: () => read('/status'),
    kernels: () => read('/kernels'),
    standing: (cve) => read(`/cves/${encodeURIComponent(cve)}/standing`),
    summary: (kernel) => read(`/kernels/${encodeURIComponent(kernel)}/summary`),
    verdicts: (kernel, query) => {
      const words = Object.entries(query as Record<string, string | number | undefined>).flatMap(([name, value]) =>
        value === undefined || value === '' ? [] : [`${name}=${encodeURIComponent(value)}`],
      );
      return read(`/kernels/${encodeURIComponent(kernel)}/verdicts?${words.join('&')}`);
    },
  };
}
