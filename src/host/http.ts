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
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline;
  try {
    const response = await follow(url, options, signal);
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      throw new HttpStatusError(url, response.status, response.headers.get('retry-after'));
    }
    return await readBody(response.body, url, options.maxBytes);
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
