import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { UnsignedMetadataError } from '@tufjs/models/dist/error.js';
import { Updater } from 'tuf-js';
import { BadVersionError, DownloadHTTPError, ExpiredMetadataError } from 'tuf-js/dist/error.js';
import { hasCode } from '#domain';
import { fetchBytes, HttpStatusError, makeFolders, writeAtomic } from '#host';
import { TrustError } from './error.ts';
import { RememberingFetcher } from './fetcher.ts';

const TARGET_TIMEOUT_MS = 300_000;

export interface OpenOptions {
  /** Base address of the archive: `metadata/` and `targets/` lie below it. */
  readonly url: string;
  /** The root metadata the host was set up with: the only thing it believes without a signature. */
  readonly root: Buffer;
  /** Folder for the metadata seen so far; what protects against rollback. */
  readonly state: string;
}

/** An archive whose metadata was verified just now. */
export interface TrustedArchive {
  /** When today's timestamp stops being believed. */
  readonly expires: string;
  /**
   * Content and custom metadata of a target, verified; undefined when the archive has none of this name.
   * Errors: archive-offline, target-mismatch, those of `openArchive`.
   */
  read(
    path: string,
    maxBytes: number,
  ): Promise<{ content: Buffer; custom: Readonly<Record<string, unknown>> } | undefined>;
}

/**
 * Verifies an archive's metadata by the TUF client workflow (TUF 1.0, section 5), on top of `tuf-js`. A new updater for
 * every poll: the library takes the time once. Errors: archive-offline, metadata-*.
 */
export async function openArchive(options: OpenOptions): Promise<TrustedArchive> {
  const url = options.url.replace(/\/+$/, '');
  const directory = join(options.state, 'metadata');
  await prepare(directory, options.root);
  let refusal: unknown = null;
  const fetcher = new RememberingFetcher(() => {
    refusal = null;
  });
  const updater = new Updater({
    metadataDir: directory,
    metadataBaseUrl: `${url}/metadata`,
    fetcher,
    config: { fetchRetries: 0, prefixTargetsWithHash: true },
  });
  rememberRefusals(updater, (error) => {
    refusal = error;
  });
  const guard = async <T>(body: () => Promise<T>): Promise<T> => {
    try {
      return await body();
    } catch (error) {
      throw explain(error, refusal, fetcher.networkFault, url);
    }
  };
  await guard(() => updater.refresh());
  const expires = await timestampExpiry(directory);
  return { expires, read: (path, maxBytes) => guard(() => readTarget(updater, url, path, maxBytes)) };
}

/** The shipped root is the start of trust, and is put back when the cached one was cut by a power loss. */
async function prepare(directory: string, root: Buffer): Promise<void> {
  await makeFolders(directory);
  const cached = await readFile(join(directory, 'root.json'), 'utf8').catch(() => '');
  if (rootVersion(cached) >= rootVersion(root.toString('utf8'))) return;
  await rm(directory, { recursive: true, force: true });
  await writeAtomic(join(directory, 'root.json'), root);
}

function rootVersion(text: string): number {
  try {
    const { signed } = JSON.parse(text) as { signed?: { version?: unknown } };
    return typeof signed?.version === 'number' ? signed.version : 0;
  } catch {
    return 0;
  }
}

/** The library re-throws some refusals as text: each check's own error is kept as it is thrown. */
function rememberRefusals(updater: Updater, keep: (error: unknown) => void): void {
  const checks = updater['trustedSet'] as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const name of ['updateRoot', 'updateTimestamp', 'updateSnapshot', 'updateDelegatedTargets']) {
    const check = checks[name]!.bind(checks);
    checks[name] = (...args) => {
      try {
        return check(...args);
      } catch (error) {
        keep(error);
        throw error;
      }
    };
  }
}

async function timestampExpiry(directory: string): Promise<string> {
  const { signed } = JSON.parse(await readFile(join(directory, 'timestamp.json'), 'utf8')) as {
    signed: { expires: string };
  };
  return signed.expires;
}

async function readTarget(
  updater: Updater,
  url: string,
  path: string,
  maxBytes: number,
): ReturnType<TrustedArchive['read']> {
  const info = await updater.getTargetInfo(path);
  if (info === undefined) return undefined;
  const hash = info.hashes['sha256'];
  const mismatch = (what: string): TrustError =>
    new TrustError('target-mismatch', 'untrusted', {
      what,
      where: path,
      remedy: 'the archive or the way to it was tampered with; nothing was used',
    });
  if (hash === undefined || !/^[0-9a-f]{64}$/.test(hash)) throw mismatch('the target has no sha256');
  if (info.length > maxBytes) throw mismatch(`the target has ${info.length} bytes, at most ${maxBytes} are taken`);
  const file = posix.join(posix.dirname(path), `${hash}.${posix.basename(path)}`);
  const content = await download(`${url}/targets/${file}`, info.length, mismatch);
  if (content.length !== info.length)
    throw mismatch(`the target has ${content.length} bytes, its metadata says ${info.length}`);
  if (createHash('sha256').update(content).digest('hex') !== hash)
    throw mismatch('the target is not what its metadata says: another sha256');
  return { content, custom: info.custom };
}

async function download(url: string, length: number, mismatch: (what: string) => TrustError): Promise<Buffer> {
  try {
    return await fetchBytes(url, { timeoutMs: TARGET_TIMEOUT_MS, maxBytes: length });
  } catch (error) {
    if (hasCode(error, 'http-too-large')) throw mismatch('the target is longer than its metadata says');
    if (error instanceof HttpStatusError)
      throw new TrustError('target-missing', 'network', {
        what: `the archive lists a target it does not serve (${error.status})`,
        where: url,
        cause: error,
      });
    throw offline(error, url);
  }
}

function offline(cause: unknown, url: string): TrustError {
  return new TrustError('archive-offline', 'network', {
    what: 'the archive cannot be reached',
    where: url,
    remedy: 'check the network; the host keeps the state it has',
    cause,
  });
}

/** Which check refused, by the class of its error, never by its text. */
function explain(error: unknown, refusal: unknown, networkFault: unknown, url: string): unknown {
  if (error instanceof TrustError) return error;
  if (networkFault !== null) return offline(networkFault, url);
  const cause = refusal ?? error;
  const refused = (code: TrustError['code'], what: string): TrustError =>
    new TrustError(code, 'untrusted', {
      what,
      where: url,
      remedy: 'nothing was loaded; ask who runs the archive',
      cause,
    });
  if (cause instanceof ExpiredMetadataError)
    return refused(
      'metadata-expired',
      'the metadata has expired: the archive is stale, or somebody holds back its news',
    );
  if (cause instanceof BadVersionError)
    return refused('metadata-rollback', 'the metadata is older than what this host has seen');
  if (cause instanceof UnsignedMetadataError)
    return refused('metadata-unsigned', 'the metadata is not signed by the keys this host trusts');
  if (cause instanceof DownloadHTTPError) return offline(cause, url);
  return refused(
    'metadata-invalid',
    `the metadata is not acceptable: ${cause instanceof Error ? cause.message.slice(0, 200) : 'unreadable'}`,
  );
}
