import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { MAX_CHECK_IN_BYTES } from '#contract';
import { CHECK_IN_PATH, ENROL_PATH, messageOf } from '#domain';
import type { Clock, Logger } from '#host';
import { type CheckInBatches, type CheckInRefusal, checkInBatches, enrol } from '#pipeline';
import type { Store } from '#store';

const AUTHORIZATION = /^TuxTape-Host ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|-) ([A-Za-z0-9_-]{86})$/;
/** A host sends one small request and goes. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;
const MAX_CONNECTIONS = 16_384;
const MAX_HEADER_BYTES = 4_096;
const RETRY_SECONDS = 30;

const STATUS: Readonly<Record<CheckInRefusal, number>> = {
  unauthorized: 401,
  decommissioned: 410,
  'bad-request': 400,
  replayed: 409,
  flooding: 429,
};

export interface GateOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly intervalSeconds: number;
  /** Good check-ins that one host may send in a minute. */
  readonly mostPerMinute: number;
  /** Null: plain HTTP, for the loopback address or a proxy on it. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | null;
}

/**
 * The door that hosts knock at, apart from the API of people: two POSTs, each signed with the key of a host, and nothing else. What is
 * not signed is not parsed.
 */
export function createGate(options: GateOptions): Server {
  const batches = checkInBatches(options);
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    answer(options, batches, request).then(
      (said) => send(response, said),
      (error: unknown) => {
        options.log.error({ error, what: messageOf(error) }, 'a check-in could not be written down');
        send(response, problem(503, 'unavailable', 'the server could not write it down: come back'));
      },
    );
  };
  const limits = {
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
  const { tls } = options;
  const server = tls === null ? createServer(limits, handle) : createTlsServer({ ...limits, ...tls }, handle);
  server.maxConnections = MAX_CONNECTIONS;
  // Each host comes once a minute: to keep its connection would keep a hundred thousand.
  server.keepAliveTimeout = 1;
  server.on('clientError', (_error, socket) => socket.destroy());
  return server;
}

interface Said {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

async function answer(options: GateOptions, batches: CheckInBatches, request: IncomingMessage): Promise<Said> {
  const { url, method, headers } = request;
  const isKnown = method === 'POST' && (url === CHECK_IN_PATH || url === ENROL_PATH);
  const signed = AUTHORIZATION.exec(headers.authorization ?? '');
  if (!isKnown) return problem(404, 'not-found', 'there is nothing here');
  if (signed === null) return problem(401, 'unauthorized', 'the request is not signed as a host signs');
  const body = await readBody(request);
  if (body === null) return problem(413, 'too-large', `more than ${MAX_CHECK_IN_BYTES} bytes`);
  const [host, signature] = [signed[1]!, Buffer.from(signed[2]!, 'base64url')];
  if (url === ENROL_PATH) {
    const made = await enrol(options, body, signature);
    return made === null ? problem(401, 'unauthorized', 'the token, or the signature, is not good') : json(200, made);
  }
  if (host === '-') return problem(401, 'unauthorized', 'no host of this id signed this');
  const outcome = await batches.take({ host, signature, body });
  if (outcome === null) return problem(503, 'busy', 'too many check-ins wait: come back');
  return outcome.ok ? json(200, outcome.answer) : problem(STATUS[outcome.code], outcome.code, outcome.why);
}

/** Null: it is longer than a check-in is. Errors: the other side went away. */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MAX_CHECK_IN_BYTES) return null;
    chunks.push(chunk as Buffer);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

function json(status: number, value: unknown): Said {
  return { status, type: 'application/json', body: JSON.stringify(value) };
}

function problem(status: number, code: string, title: string): Said {
  const body = JSON.stringify({ type: 'about:blank', title, status, code });
  return { status, type: 'application/problem+json', body };
}

function send(response: ServerResponse, { status, type, body }: Said): void {
  if (response.destroyed) return;
  const headers: Record<string, string | number> = {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  };
  if (status === 503 || status === 429) headers['retry-after'] = RETRY_SECONDS;
  response.writeHead(status, headers);
  response.end(body);
}
