import { HostError, HttpStatusError } from './error.ts';

export interface FetchOptions {
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  /** How many redirects are followed, never from https to http. Default: none. Headers are not sent to another host. */
  readonly maxRedirects?: number;
}

/**
 * GETs a URL as bytes, with a deadline over the whole exchange and a cap on the body.
 * Errors: http-failed (with the status), http-too-large, timed-out.
 */
export async function fetchBytes(url: string, options: FetchOptions): Promise<Buffer> {
  return exchange(url, options, async (signal) => {
    const response = await follow(url, options, signal);
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      throw new HttpStatusError(url, response.status, response.headers.get('retry-after'));
    }
    return readBody(response.body, url, options.maxBytes);
  });
}

export interface PostOptions extends Omit<FetchOptions, 'maxRedirects'> {
  /** Sent as `Authorization: Bearer`. */
  readonly token: string;
}

/** What a server said: a status, and its JSON; null: there was none. */
export interface JsonAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** POSTs JSON; no redirect is followed. Any status is an answer. Errors: http-failed, http-too-large, timed-out. */
export async function postJson(url: string, body: unknown, options: PostOptions): Promise<JsonAnswer> {
  const { token, headers, maxBytes } = options;
  const sent = {
    method: 'POST',
    redirect: 'error',
    body: JSON.stringify(body),
    headers: { ...headers, 'content-type': 'application/json', authorization: `Bearer ${token}` },
  } as const;
  return exchange(url, options, async (signal) => {
    const response = await fetch(url, { ...sent, signal });
    const text = response.body === null ? '' : (await readBody(response.body, url, maxBytes)).toString('utf8');
    return { status: response.status, body: text === '' ? null : parseAnswer(text, url) };
  });
}

/** GETs JSON; no redirect is followed. Any status is an answer. Errors: http-failed, http-too-large, timed-out. */
export async function getJson(url: string, options: Omit<FetchOptions, 'maxRedirects'>): Promise<JsonAnswer> {
  return exchange(url, options, async (signal) => {
    const response = await fetch(url, { redirect: 'error', headers: options.headers ?? {}, signal });
    const text = response.body === null ? '' : (await readBody(response.body, url, options.maxBytes)).toString('utf8');
    return { status: response.status, body: text === '' ? null : parseAnswer(text, url) };
  });
}

function parseAnswer(text: string, url: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new HostError('http-failed', 'untrusted', { what: 'the server did not answer with JSON', where: url, cause });
  }
}

async function exchange<T>(url: string, options: FetchOptions, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline;
  try {
    return await body(signal);
  } catch (error) {
    if (error instanceof HostError || options.signal?.aborted === true) throw error;
    if (deadline.aborted) {
      throw new HostError('timed-out', 'network', {
        what: `no complete answer within ${options.timeoutMs} ms`,
        where: url,
        cause: error,
      });
    }
    throw new HostError('http-failed', 'network', {
      what: 'the server could not be reached, or ended its answer early',
      where: url,
      cause: error,
    });
  }
}

export interface SendOptions {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

export interface Answer {
  readonly status: number;
  readonly header: (name: string) => string | null;
  readonly body: Buffer;
}

/** One request, any status an answer; no redirects. Errors: http-failed (no answer), http-too-large, timed-out. */
export async function send(url: string, options: SendOptions): Promise<Answer> {
  const { method, headers, body, timeoutMs, maxBytes } = options;
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const content = body === undefined ? {} : { body: Uint8Array.from(body) };
    const response = await fetch(url, { method, headers, redirect: 'manual', signal, ...content });
    const read = response.body === null ? Buffer.alloc(0) : await readBody(response.body, url, maxBytes);
    return { status: response.status, header: (name) => response.headers.get(name), body: read };
  } catch (cause) {
    if (cause instanceof HostError) throw cause;
    const what = signal.aborted ? `no complete answer within ${timeoutMs} ms` : 'the server could not be reached';
    throw new HostError(signal.aborted ? 'timed-out' : 'http-failed', 'network', { what, where: url, cause });
  }
}

async function follow(url: string, options: FetchOptions, signal: AbortSignal): Promise<Response> {
  let at = new URL(url);
  for (let left = options.maxRedirects ?? 0; ; left -= 1) {
    const same = at.host === new URL(url).host;
    const response = await fetch(at, { redirect: 'manual', signal, ...(same && { headers: options.headers ?? {} }) });
    const target = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || target === null) return response;
    await response.body?.cancel();
    const next = new URL(target, at);
    const weaker = at.protocol === 'https:' && next.protocol !== 'https:';
    if (left === 0 || weaker || !/^https?:$/.test(next.protocol))
      throw new HostError('http-failed', 'untrusted', {
        what: `the server sends us elsewhere, to ${next.origin}`,
        where: at.href,
        remedy: 'set the address it sends us to, if it can be trusted',
      });
    at = next;
  }
}

async function readBody(body: ReadableStream<Uint8Array>, url: string, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new HostError('http-too-large', 'untrusted', {
        what: `the answer is longer than ${maxBytes} bytes`,
        where: url,
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
