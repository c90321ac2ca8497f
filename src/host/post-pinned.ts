import { lookup } from 'node:dns/promises';
import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { type AddressReach, reachOf } from './addresses.ts';
import { HostError } from './error.ts';

export interface PinnedPost {
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** Addresses of a private network are let through. */
  readonly allowPrivate: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface PinnedAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/**
 * POSTs bytes to an address that somebody typed in. https; or http to a loopback address that is written as one (`localhost` counts). The
 * very address that was looked at is connected to, so a name that changes in between leads nowhere else; a name that means this machine
 * or, unless it is allowed, a private network is refused. No redirect is followed: it is an answer like others. Errors: address-refused,
 * http-failed, http-too-large, timed-out.
 */
export async function postPinned(address: string, body: Uint8Array, options: PinnedPost): Promise<PinnedAnswer> {
  const url = parse(address);
  const pinned = await resolve(url, options);
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline;
  try {
    return await exchange(url, pinned, body, { ...options, signal });
  } catch (error) {
    if (error instanceof HostError || options.signal?.aborted === true) throw error;
    const [code, what] = deadline.aborted
      ? (['timed-out', `no complete answer within ${options.timeoutMs} ms`] as const)
      : (['http-failed', 'the server could not be reached, or ended its answer early'] as const);
    throw new HostError(code, 'network', { what, where: url.origin, cause: error });
  }
}

/** The address, if it can be posted to at all; nothing is asked of the network. Errors: address-refused. */
export function parsePinned(address: string): void {
  parse(address);
}

function refuse(what: string, where: string): HostError {
  return new HostError('address-refused', 'input', {
    ...{ what, where },
    remedy: 'give an https address that is reached over the internet, or http on this machine',
  });
}

function parse(address: string): URL {
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol)) throw refuse('this is not an https address', 'the address');
  if (url.username !== '' || url.password !== '') throw refuse('an address with a password in it', url.origin);
  if (url.protocol === 'http:' && !isLoopbackName(url))
    throw refuse('what is sent to it could be read on the way', url.origin);
  return url;
}

function bare({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

function isLoopbackName(url: URL): boolean {
  const name = bare(url);
  return name === 'localhost' || (isIP(name) !== 0 && reachOf(name) === 'loopback');
}

async function resolve(url: URL, { allowPrivate }: PinnedPost): Promise<{ address: string; family: number }> {
  const name = bare(url);
  const allowed = (reach: AddressReach): boolean =>
    reach === 'public' || (reach === 'loopback' ? isLoopbackName(url) : allowPrivate);
  const literal = isIP(name);
  const found =
    literal === 0
      ? await lookup(name, { all: true }).catch((cause: unknown) => {
          throw new HostError('http-failed', 'network', { what: 'the name is not known', where: name, cause });
        })
      : [{ address: name, family: literal }];
  const bad = found.find(({ address }) => !allowed(reachOf(address)));
  const [first] = found;
  if (bad === undefined && first !== undefined) return first;
  throw refuse(`it leads to ${bad?.address ?? 'nowhere'}, which is not of the internet`, url.origin);
}

function exchange(
  url: URL,
  pinned: { address: string; family: number },
  body: Uint8Array,
  { headers, maxBytes, signal }: PinnedPost,
): Promise<PinnedAnswer> {
  // Node asks with `all` or without it; either way there is only this one.
  const pin: LookupFunction = (_name, { all }, answer) =>
    all === true ? answer(null, [pinned]) : answer(null, pinned.address, pinned.family);
  const send = url.protocol === 'https:' ? requestTls : requestPlain;
  return new Promise((done, fail) => {
    const sent = send(
      url,
      {
        ...{ method: 'POST', agent: false, signal, lookup: pin },
        headers: { ...headers, 'content-length': body.length },
      },
      (answer) => void read(answer, url, maxBytes).then(done, fail),
    );
    sent.on('error', fail);
    sent.end(body);
  });
}

async function read(answer: IncomingMessage, url: URL, maxBytes: number): Promise<PinnedAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes)
      throw new HostError('http-too-large', 'untrusted', {
        what: `the answer is longer than ${maxBytes} bytes`,
        where: url.origin,
      });
    chunks.push(chunk);
  }
  return { status: answer.statusCode ?? 0, body: Buffer.concat(chunks) };
}
