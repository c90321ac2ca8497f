import { stat } from 'node:fs/promises';
import { AwsV4Signer } from 'aws4fetch';
import * as z from 'zod';
import { type Answer, type Clock, environment, readLimited, type SendOptions, send, sha256 } from '#host';
import { ArchiveError } from '../error.ts';

/**
 * A bucket of an S3-compatible store, of which this uses: PutObject (with a signed hash of the body, and conditions), GetObject,
 * DeleteObject and ListObjectsV2 (Amazon S3 API reference, 2006-03-01). Signatures by aws4fetch.
 */
const MAX_CONFIG_BYTES = 64 << 10;
const MAX_LIST_BYTES = 16 << 20;
const MAX_ERROR_BYTES = 64 << 10;
const TIMEOUT_MS = 300_000;
/** Tries of one request, and the pause before the second; each next one is twice as long. */
const TRIES = 5;
const PAUSE_MS = 200;
const BUSY = new Set([429, 500, 502, 503, 504]);
const MAX_PAGES = 10_000;

const bucketSchema = z.strictObject({
  endpoint: z.url({ protocol: /^https?$/ }),
  region: z.string().regex(/^[a-z0-9-]{1,64}$/),
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,62}$/),
  prefix: z
    .string()
    .regex(/^(?:[A-Za-z0-9_-][A-Za-z0-9._-]*\/)*$/)
    .default(''),
  credentialsFile: z.string().startsWith('/').optional(),
});
const credentialsSchema = z.strictObject({
  accessKeyId: z.string().min(1).max(256),
  secretAccessKey: z.string().min(1).max(1_024),
  sessionToken: z.string().max(8_192).optional(),
});
export type BucketPlace = z.infer<typeof bucketSchema>;
export type Credentials = z.infer<typeof credentialsSchema>;

export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
  readonly modified: Date;
}

function invalid(where: string, what: string, cause?: unknown): ArchiveError {
  return new ArchiveError('store-failed', 'input', {
    what,
    where,
    remedy: 'docs/reference/archive.md has the form',
    cause,
  });
}

/** Reads where a bucket is, and with what to sign: a file that it names, else AWS_ACCESS_KEY_ID and so on of the environment. Errors: store-failed. */
export async function readBucket(file: string): Promise<{ place: BucketPlace; credentials: Credentials }> {
  const place = await parseFile(bucketSchema, file, 'this does not describe a bucket');
  if (place.credentialsFile !== undefined) {
    const path = place.credentialsFile;
    if (((await stat(path).catch(() => undefined))?.mode ?? 0) & 0o077)
      throw invalid(path, 'others can read the credentials');
    return { place, credentials: await parseFile(credentialsSchema, path, 'these are no credentials') };
  }
  const env = environment();
  const given = {
    accessKeyId: env['AWS_ACCESS_KEY_ID'],
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'],
    ...(env['AWS_SESSION_TOKEN'] === undefined ? {} : { sessionToken: env['AWS_SESSION_TOKEN'] }),
  };
  const found = credentialsSchema.safeParse(given);
  if (found.success) return { place, credentials: found.data };
  throw invalid(
    file,
    'there are no credentials: neither "credentialsFile" nor AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  );
}

async function parseFile<T>(schema: z.ZodType<T>, file: string, what: string): Promise<T> {
  try {
    return schema.parse(JSON.parse((await readLimited(file, MAX_CONFIG_BYTES)).toString('utf8')));
  } catch (cause) {
    throw invalid(file, what, cause);
  }
}

type Request = Omit<SendOptions, 'timeoutMs'> & {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
};

export class S3Bucket {
  readonly #place: BucketPlace;
  readonly #credentials: Credentials;
  readonly #clock: Clock;

  constructor(place: BucketPlace, credentials: Credentials, clock: Clock) {
    this.#place = place;
    this.#credentials = credentials;
    this.#clock = clock;
  }

  /** Everything below the prefix, by its name within. Errors: store-failed. */
  async list(): Promise<Map<string, StoredObject>> {
    const { prefix } = this.#place;
    const found = new Map<string, StoredObject>();
    let token: string | undefined;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const more = token === undefined ? {} : { 'continuation-token': token };
      const query = { 'list-type': '2', 'encoding-type': 'url', prefix, ...more };
      const answer = await this.#ask({ method: 'GET', headers: {}, path: '', query, maxBytes: MAX_LIST_BYTES });
      if (answer.status !== 200) throw this.#refused('list', '', answer);
      const text = answer.body.toString('utf8');
      for (const object of objectsOf(text)) found.set(object.key.slice(prefix.length), object);
      token = /<IsTruncated>true<\/IsTruncated>/.test(text) ? textOf(text, 'NextContinuationToken') : undefined;
      if (token === undefined) return found;
    }
    throw this.#refused('list', '', undefined);
  }

  /** Undefined when there is none. Errors: store-failed. */
  async get(name: string, maxBytes: number): Promise<{ content: Buffer; etag: string | null } | undefined> {
    const answer = await this.#ask({ method: 'GET', headers: {}, path: name, maxBytes });
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw this.#refused('read', name, answer);
    return { content: answer.body, etag: answer.header('etag') };
  }

  /**
   * Writes an object. `only`: only over the one of this ETag, or (null) only where there is none; false: it was another, and nothing was
   * written. Errors: store-failed.
   */
  async put(
    name: string,
    content: Buffer,
    headers: Readonly<Record<string, string>>,
    only?: string | null,
  ): Promise<boolean> {
    const condition = only === undefined ? {} : only === null ? { 'if-none-match': '*' } : { 'if-match': only };
    const all = { ...headers, ...condition };
    const answer = await this.#ask({
      method: 'PUT',
      headers: all,
      body: content,
      path: name,
      maxBytes: MAX_ERROR_BYTES,
    });
    if (answer.status === 200) return true;
    // 409: another conditional write of this object won (S3 user guide, conditional writes).
    if (only !== undefined && (answer.status === 412 || answer.status === 409)) return false;
    throw this.#refused('write', name, answer);
  }

  /** Errors: store-failed. */
  async remove(name: string): Promise<void> {
    const answer = await this.#ask({ method: 'DELETE', headers: {}, path: name, maxBytes: MAX_ERROR_BYTES });
    if (answer.status !== 204 && answer.status !== 200) throw this.#refused('delete', name, answer);
  }

  /** A store that is busy, or does not answer, is asked again. */
  async #ask(request: Request): Promise<Answer> {
    for (let tries = 1; ; tries += 1) {
      try {
        const answer = await this.#send(request);
        if (!BUSY.has(answer.status) || tries === TRIES) return answer;
      } catch (cause) {
        if (tries === TRIES)
          throw new ArchiveError('store-failed', 'network', {
            what: 'the store does not answer',
            where: this.#url(request.path).href,
            remedy: 'run the command again: it goes on where it was',
            cause,
          });
      }
      await this.#clock.sleep(PAUSE_MS * 2 ** (tries - 1));
    }
  }

  #url(name: string): URL {
    const { endpoint, bucket, prefix } = this.#place;
    const path = name === '' ? '' : `/${prefix}${name}`;
    return new URL(`${endpoint.replace(/\/+$/, '')}/${bucket}${path}`);
  }

  async #send({ path, query = {}, method, headers, body, maxBytes }: Request): Promise<Answer> {
    const url = this.#url(path);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const { sessionToken, ...keys } = this.#credentials;
    const signer = new AwsV4Signer({
      ...{ method, url: url.href, service: 's3', region: this.#place.region, ...keys },
      ...(sessionToken === undefined ? {} : { sessionToken }),
      headers: { ...headers, 'x-amz-content-sha256': sha256(body ?? '') },
      datetime: this.#clock
        .now()
        .toISOString()
        .replace(/[:-]|\.\d{3}/g, ''),
    });
    const signed = await signer.sign();
    const sent = Object.fromEntries(signed.headers.entries());
    const options = { method, headers: sent, timeoutMs: TIMEOUT_MS, maxBytes };
    return send(signed.url.href, body === undefined ? options : { ...options, body });
  }

  #refused(verb: string, name: string, answer: Answer | undefined): ArchiveError {
    const code = answer === undefined ? 'it never ends' : (textOf(answer.body.toString('utf8'), 'Code') ?? 'no reason');
    return new ArchiveError('store-failed', 'network', {
      what: `the store refused to ${verb}: ${answer?.status ?? ''} ${code.slice(0, 80)}`,
      where: this.#url(name).href,
      remedy: 'check the bucket, its region and the rights of these credentials',
    });
  }
}

/** What stands between the first pair of such tags. */
function textOf(xml: string, tag: string): string | undefined {
  const found = new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1];
  return found?.replace(
    /&(amp|lt|gt|quot|apos|#\d+);/g,
    (whole, name: string) => ENTITIES[name] ?? fromCode(whole, name),
  );
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function fromCode(whole: string, name: string): string {
  const code = Number(name.slice(1));
  return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
}

/** Keys are URL-encoded, as we asked for; one that is not in its form is left out: it is none of ours. */
function objectsOf(xml: string): StoredObject[] {
  return [...xml.matchAll(/<Contents>([\s\S]*?)<\/Contents>/g)].flatMap(([, item = '']) => {
    const [key, bytes, modified] = [
      textOf(item, 'Key'),
      Number(textOf(item, 'Size')),
      Date.parse(textOf(item, 'LastModified') ?? ''),
    ];
    if (key === undefined || !Number.isSafeInteger(bytes) || Number.isNaN(modified)) return [];
    try {
      return [{ key: decodeURIComponent(key.replaceAll('+', ' ')), bytes, modified: new Date(modified) }];
    } catch {
      return [];
    }
  });
}
