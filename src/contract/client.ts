import type { CvePage, CveQuery, CveView } from './cves.ts';
import type { Session } from './identity.ts';
import type { Kernel, Standing, Status, Summary, VerdictPage, VerdictQuery } from './schemas.ts';

/** The part of `fetch` the client needs, so that it runs in a browser and in Node alike. */
export type Get = (url: string) => Promise<{ ok: boolean; status: number; json(): Promise<unknown> }>;

export interface Client {
  status(): Promise<Status>;
  session(): Promise<Session>;
  cves(query: CveQuery): Promise<CvePage>;
  cve(cve: string): Promise<CveView>;
  kernels(): Promise<Kernel[]>;
  kernel(kernel: string): Promise<Kernel>;
  summary(kernel: string): Promise<Summary>;
  verdicts(kernel: string, query: VerdictQuery): Promise<VerdictPage>;
  standing(cve: string): Promise<Standing>;
}

/** The server said no: with a status, a code that stays the same over versions, and a title for people. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, title: string) {
    super(title);
    this.status = status;
    this.code = code;
  }
}

/** Reads JSON from the server's HTTP API. Errors: ApiError, with the title that the server gave. */
export function jsonReader(get: Get, base: string): <T>(path: string) => Promise<T> {
  return async <T>(path: string): Promise<T> => {
    const response = await get(`${base}/api/v1${path}`);
    const body = await response.json();
    if (response.ok) return body as T;
    const { title, code } = (body ?? {}) as { title?: unknown; code?: unknown };
    throw new ApiError(
      response.status,
      typeof code === 'string' ? code : 'unknown',
      typeof title === 'string' ? title : `the server answered ${response.status}`,
    );
  };
}

/** A typed client of the server's HTTP API. */
export function createClient(get: Get, base: string): Client {
  const read = jsonReader(get, base);
  return {
    status: () => read('/status'),
    session: () => read('/session'),
    cves: (query) => read(`/cves?${words(query)}`),
    cve: (cve) => read(`/cves/${encodeURIComponent(cve)}`),
    kernels: () => read('/kernels'),
    kernel: (kernel) => read(`/kernels/${encodeURIComponent(kernel)}`),
    standing: (cve) => read(`/cves/${encodeURIComponent(cve)}/standing`),
    summary: (kernel) => read(`/kernels/${encodeURIComponent(kernel)}/summary`),
    verdicts: (kernel, query) => read(`/kernels/${encodeURIComponent(kernel)}/verdicts?${words(query)}`),
  };
}

/** A query as it stands in an address; what is not given is left out. */
function words(query: object): string {
  return Object.entries(query as Record<string, string | number | undefined>)
    .flatMap(([name, value]) => (value === undefined || value === '' ? [] : [`${name}=${encodeURIComponent(value)}`]))
    .join('&');
}
