import { type BuilderClient, createBuilderClient, MAX_RESULT_BYTES } from '#contract';
import { postJson } from '#host';
import { BuilderError } from './error.ts';

/** A result of many MiB over a slow line. */
const TIMEOUT_MS = 120_000;
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * The server's API, spoken with this builder's token. Errors: server-insecure; those of each call: token-refused, server-refused,
 * http-failed, timed-out.
 */
export function serverDoor(address: string, token: string, signal: AbortSignal): BuilderClient {
  const url = URL.parse(address);
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.has(url.hostname));
  if (url === null || !isSafe)
    throw new BuilderError('server-insecure', 'input', {
      what: 'the address of the server is not https: whoever is on the way could read the token',
      where: address,
      remedy: 'give an https address; http is taken on this machine only',
    });
  const base = address.replace(/\/+$/, '');
  // A result is sent to its end although the builder stops: what was made is not thrown away.
  return createBuilderClient(async (path, body) => {
    const isFinal = path.endsWith('/result') || path.endsWith('/return');
    const options = { token, timeoutMs: TIMEOUT_MS, maxBytes: MAX_RESULT_BYTES, ...(isFinal ? {} : { signal }) };
    const answer = await postJson(`${base}${path}`, body, options);
    if (answer.status < 300) return answer.body;
    throw refusal(answer.status, answer.body, base);
  });
}

function refusal(status: number, body: unknown, where: string): BuilderError {
  const title = (body as { title?: unknown } | null)?.title;
  const said = typeof title === 'string' ? `: ${title.slice(0, 300)}` : '';
  if (status === 401 || status === 403)
    return new BuilderError('token-refused', 'input', {
      what: `the server does not know this builder's token${said}`,
      where,
      remedy: 'run "tuxtape builder add" on the server, and give this machine the token that it prints',
    });
  // A server that restarts, or its proxy, answers so for a while.
  const fault = status >= 500 || status === 429 ? 'network' : 'us';
  return new BuilderError('server-refused', fault, { what: `the server answered ${status}${said}`, where });
}
