import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { HostError } from './error.ts';

export interface PostBytesOptions {
  readonly authorization: string;
  /** Over the whole exchange. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** Authorities that are believed instead of those of the system, PEM; null: those of the system. */
  readonly ca: Buffer | null;
}

export interface PostAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** POSTs JSON on a connection of its own. Any status is an answer; no redirect is followed. Errors: http-failed, http-too-large, timed-out. */
export function postBytes(url: string, body: Buffer, options: PostBytesOptions): Promise<PostAnswer> {
  const { authorization, timeoutMs, maxBytes, ca } = options;
  const headers = { authorization, 'content-type': 'application/json', 'content-length': body.length };
  const isTls = url.startsWith('https:');
  return new Promise((resolve, reject) => {
    const fail = (code: 'http-failed' | 'http-too-large' | 'timed-out', what: string, cause?: unknown): void => {
      sent.destroy();
      clearTimeout(timer);
      reject(new HostError(code, 'network', { what, where: url, cause }));
    };
    const timer = setTimeout(() => fail('timed-out', `no complete answer within ${timeoutMs} ms`), timeoutMs);
    const own = { method: 'POST', headers, agent: false, ...(isTls && ca !== null ? { ca } : {}) };
    const sent = (isTls ? requestTls : requestPlain)(url, own, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxBytes) fail('http-too-large', `the answer is longer than ${maxBytes} bytes`);
        else chunks.push(chunk);
      });
      response.on('end', () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) });
      });
      response.on('error', (error) => fail('http-failed', 'the server ended its answer early', error));
    });
    sent.on('error', (error) => fail('http-failed', 'the server could not be reached', error));
    sent.end(body);
  });
}
