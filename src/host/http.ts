import { HostError, HttpStatusError } from './error.ts';

export interface FetchOptions {
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
}

/**
 * GETs a URL as bytes: no redirects, a deadline over the whole exchange and a cap on the body.
 * Errors: http-failed (with the status), http-too-large, timed-out.
 */
export async function fetchBytes(url: string, options: FetchOptions): Promise<Buffer> {
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline;
  try {
    const response = await fetch(url, { redirect: 'error', signal });
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      throw new HttpStatusError(url, response.status);
    }
    return await readBody(response.body, url, options.maxBytes);
  } catch (error) {
    if (error instanceof HostError) throw error;
    if (deadline.aborted) {
      throw new HostError('timed-out', 'network', {
        what: `no complete answer within ${options.timeoutMs} ms`,
        where: url,
        cause: error,
      });
    }
    throw new HostError('http-failed', 'network', {
      what: 'the server could not be reached',
      where: url,
      cause: error,
    });
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
