import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A strict FAKE of the part of the S3 protocol that we use; no S3 server was to be had as a package. Checks what a real one checks:
 * signature version 4 (computed here anew, by the AWS documentation and without aws4fetch), the hash of each body, the age of a request,
 * conditional writes; lists in pages. Reads need no signature: the bucket is public for hosts. What it does not do: versions, multipart,
 * rights, virtual-host addresses.
 */
export interface S3Server extends AsyncDisposable {
  readonly endpoint: string;
  readonly objects: Map<string, StoredThing>;
  /** Method and path of each request, in order. */
  readonly requests: string[];
  /** Answers 503 to so many requests to come. */
  busy: number;
  /** Is told before each write; what it returns is answered instead. */
  onPut: ((key: string) => number | undefined) | undefined;
}

export interface StoredThing {
  readonly content: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  modified: Date;
}

export const S3_ACCESS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret/with+signs' };
const REGION = 'eu-test-1';
const PAGE = 7;
const MAX_SKEW_MS = 15 * 60_000;

interface Call {
  readonly request: IncomingMessage;
  readonly url: URL;
  readonly body: Buffer;
}

export async function serveS3(bucket: string): Promise<S3Server> {
  const objects = new Map<string, StoredThing>();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const url = new URL(request.url ?? '/', 'http://localhost');
      requests.push(`${request.method} ${decodeURIComponent(url.pathname)}`);
      if (self.busy > 0) {
        self.busy -= 1;
        return fail(response, 503, 'SlowDown');
      }
      answer({ request, url, body: Buffer.concat(chunks) }, response);
    })();
  });
  const answer = (call: Call, response: ServerResponse): void => {
    const { request, url } = call;
    const [, name, ...rest] = url.pathname.split('/').map(decodeURIComponent);
    if (name !== bucket) return fail(response, 404, 'NoSuchBucket');
    const key = rest.join('/');
    if (request.method === 'GET' && key !== '' && request.headers.authorization === undefined)
      return read(objects.get(key), response);
    const wrong = faultOf(call);
    if (wrong !== undefined) return fail(response, wrong === 'XAmzContentSHA256Mismatch' ? 400 : 403, wrong);
    if (request.method === 'GET' && key === '') return list(objects, url, response);
    if (request.method === 'GET') return read(objects.get(key), response);
    if (request.method === 'DELETE') {
      objects.delete(key);
      response.writeHead(204).end();
      return;
    }
    const injected = self.onPut?.(key);
    if (injected !== undefined) return fail(response, injected, 'Injected');
    write(objects, key, call, response);
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const self: S3Server = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    requests,
    busy: 0,
    onPut: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}

export const s3Region = REGION;

function fail(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`);
}

function etagOf(content: Buffer): string {
  return `"${createHash('md5').update(content).digest('hex')}"`;
}

function read(thing: StoredThing | undefined, response: ServerResponse): void {
  if (thing === undefined) return fail(response, 404, 'NoSuchKey');
  response.writeHead(200, { ...thing.headers, etag: etagOf(thing.content), 'content-length': thing.content.length });
  response.end(thing.content);
}

function write(
  objects: Map<string, StoredThing>,
  key: string,
  { request, body }: Call,
  response: ServerResponse,
): void {
  const before = objects.get(key);
  const { 'if-match': match, 'if-none-match': none } = request.headers;
  if (none === '*' && before !== undefined) return fail(response, 412, 'PreconditionFailed');
  if (match !== undefined && (before === undefined || match !== etagOf(before.content)))
    return fail(response, before === undefined ? 404 : 412, 'PreconditionFailed');
  const kept = ['content-type', 'cache-control'].flatMap((name) =>
    request.headers[name] === undefined ? [] : [[name, String(request.headers[name])]],
  );
  objects.set(key, {
    content: body,
    headers: Object.fromEntries(kept) as Record<string, string>,
    modified: new Date(),
  });
  response.writeHead(200, { etag: etagOf(body) }).end();
}

function list(objects: Map<string, StoredThing>, url: URL, response: ServerResponse): void {
  const query = url.searchParams;
  if (query.get('list-type') !== '2' || query.get('encoding-type') !== 'url')
    return fail(response, 400, 'InvalidArgument');
  const keys = [...objects.keys()].filter((key) => key.startsWith(query.get('prefix') ?? '')).toSorted();
  const after = query.get('continuation-token');
  const from = after === null ? 0 : Number(Buffer.from(after.replace('<&>', ''), 'base64').toString());
  const page = keys.slice(from, from + PAGE);
  const isTruncated = from + PAGE < keys.length;
  // A token with signs that have to be escaped on their way back.
  const next = `<&>${Buffer.from(String(from + PAGE)).toString('base64')}`;
  const escaped = next.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const items = page.map((key) => {
    const { content, modified } = objects.get(key)!;
    return `<Contents><Key>${encodeURIComponent(key)}</Key><LastModified>${modified.toISOString()}</LastModified><Size>${content.length}</Size></Contents>`;
  });
  response.writeHead(200, { 'content-type': 'application/xml' });
  response.end(
    `<?xml version="1.0"?><ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>${isTruncated ? `<NextContinuationToken>${escaped}</NextContinuationToken>` : ''}${items.join('')}</ListBucketResult>`,
  );
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function hash(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** "Authenticating Requests (AWS Signature Version 4)", step by step; the code of the error, or undefined. */
function faultOf({ request, url, body }: Call): string | undefined {
  const { authorization = '', 'x-amz-date': date, 'x-amz-content-sha256': digest } = request.headers;
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/.exec(
      authorization,
    );
  if (parts === null || typeof date !== 'string' || typeof digest !== 'string') return 'AccessDenied';
  const [, access = '', day = '', region = '', names = '', signature = ''] = parts;
  if (access !== S3_ACCESS.accessKeyId) return 'InvalidAccessKeyId';
  if (region !== REGION || !date.startsWith(day)) return 'AuthorizationHeaderMalformed';
  const at = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!(Math.abs(at - Date.now()) < MAX_SKEW_MS)) return 'RequestTimeTooSkewed';
  const signed = names.split(';');
  const own = Object.keys(request.headers).filter((name) => name === 'host' || name.startsWith('x-amz-'));
  if (own.some((name) => !signed.includes(name))) return 'AccessDenied';
  const query = [...url.searchParams].map(([name, value]) => `${quote(name)}=${quote(value)}`).toSorted();
  const canonical = [
    request.method,
    url.pathname
      .split('/')
      .map((part) => quote(decodeURIComponent(part)))
      .join('/'),
    query.join('&'),
    ...signed.map((name) => `${name}:${String(request.headers[name]).trim().replace(/ +/g, ' ')}`),
    '',
    names,
    digest,
  ].join('\n');
  const text = ['AWS4-HMAC-SHA256', date, `${day}/${region}/s3/aws4_request`, hash(canonical)].join('\n');
  const key = hmac(hmac(hmac(hmac(`AWS4${S3_ACCESS.secretAccessKey}`, day), region), 's3'), 'aws4_request');
  if (!timingSafeEqual(hmac(key, text), Buffer.from(signature, 'hex'))) return 'SignatureDoesNotMatch';
  return digest === hash(body) ? undefined : 'XAmzContentSHA256Mismatch';
}

/** RFC 3986, as the AWS documentation asks for. */
function quote(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
