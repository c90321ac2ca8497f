import {
  hasCode,
  indexPath,
  parseReleaseIndex,
  parseRolloutChoice,
  type Release,
  type ReleaseIndex,
  type RolloutChoice,
  rolloutPath,
} from '#domain';
import { type Clock, download, HttpStatusError, sha256 } from '#host';
import { type LocatedTarget, openArchive, TrustError, type TrustedArchive } from '#trust';
import type { ArchiveAnswer, ArchiveDoor } from './doors.ts';
import { AgentError } from './error.ts';
import type { ReleaseRef } from './journal.ts';
import { MAX_MODULE_BYTES, type ModuleStore } from './store.ts';

const MAX_INDEX_BYTES = 4 << 20;
const MAX_CHOICE_BYTES = 64 << 10;

export interface ArchiveSettings {
  readonly url: string;
  readonly root: Buffer;
  /** Folder for the metadata seen so far. */
  readonly state: string;
  readonly clock: Clock;
}

/** An archive over HTTP, believed by its TUF metadata alone. */
export class HttpArchive implements ArchiveDoor {
  readonly #settings: ArchiveSettings;
  readonly #store: ModuleStore;
  #opened: TrustedArchive | undefined;

  constructor(settings: ArchiveSettings, store: ModuleStore) {
    this.#settings = settings;
    this.#store = store;
  }

  async contact(buildId: string): Promise<ArchiveAnswer> {
    this.#opened = await openArchive(this.#settings);
    const index = await readIndex(this.#opened, buildId);
    const choice = index === null ? null : await readChoice(this.#opened, buildId);
    return { index, choice, expires: this.#opened.expires };
  }

  async obtain(release: ReleaseRef): Promise<void> {
    const target = await this.#locate(release);
    if (target.length > MAX_MODULE_BYTES || target.length !== release.length)
      throw mismatch(`${release.path} has ${target.length} bytes, its index says ${release.length}`);
    const part = await this.#store.part(release.sha256);
    const content = await download(target.url, part, target.length).catch((error: unknown) => {
      throw notServed(error, target.url);
    });
    requireTarget(release, target, content);
    await this.#store.write(release.sha256, content);
    await this.#store.dropPart(release.sha256);
  }

  async verify(release: ReleaseRef, module: Buffer): Promise<void> {
    requireTarget(release, await this.#locate(release), module);
  }

  async #locate(release: ReleaseRef): Promise<LocatedTarget> {
    const target = await (await this.#archive()).locate(release.path);
    if (target === undefined)
      throw mismatch(`the index names ${release.path}, which the archive's metadata does not have`);
    const signed = target.custom['release'] as Partial<Release> | undefined;
    const { buildId, moduleName, number } = release;
    if (signed?.buildId === buildId && signed.moduleName === moduleName && signed.number === number) return target;
    throw mismatch(`${release.path} is signed for build-id ${signed?.buildId ?? 'none'}, this host runs ${buildId}`);
  }

  async #archive(): Promise<TrustedArchive> {
    this.#opened ??= await openArchive(this.#settings);
    return this.#opened;
  }
}

async function readIndex(archive: TrustedArchive, buildId: string): Promise<ReleaseIndex | null> {
  const found = await archive.read(indexPath(buildId), MAX_INDEX_BYTES);
  if (found === undefined) return null;
  const index = parseReleaseIndex(found.content.toString('utf8'));
  if (index === undefined) throw mismatch(`the index of ${buildId} is not in the form of an index`);
  const foreign = index.buildId !== buildId || index.releases.some((release) => release.buildId !== buildId);
  if (foreign) throw mismatch(`the index of ${buildId} lists releases of another kernel`);
  return index;
}

/** What the online key says can only slow or choose: one that is not in its form says nothing new, and nothing new is loaded. */
async function readChoice(archive: TrustedArchive, buildId: string): Promise<RolloutChoice | null> {
  const found = await archive.read(rolloutPath(buildId), MAX_CHOICE_BYTES);
  if (found === undefined) return null;
  const choice = parseRolloutChoice(found.content.toString('utf8'));
  if (choice === undefined) throw mismatch(`the rollout of ${buildId} is not in the form of a rollout`);
  return choice;
}

function requireTarget({ path, sha256: listed }: ReleaseRef, target: LocatedTarget, content: Buffer): void {
  if (!target.is(content))
    throw new TrustError('target-mismatch', 'untrusted', {
      what: 'the module is not what its metadata says',
      where: path,
      remedy: 'the archive or the way to it was tampered with; nothing was used',
    });
  if (sha256(content) !== listed) throw mismatch(`${path} is another module than its index lists`);
}

function notServed(cause: unknown, where: string): unknown {
  if (cause instanceof HttpStatusError)
    return new TrustError('target-missing', 'network', {
      what: `the archive lists a target it does not serve (${cause.status})`,
      where,
      cause,
    });
  if (!hasCode(cause, 'http-failed', 'http-too-large', 'timed-out')) return cause;
  if (cause.code === 'http-too-large')
    return new TrustError('target-mismatch', 'untrusted', {
      what: 'the target is longer than its metadata says',
      where,
      cause,
    });
  return new TrustError('archive-offline', 'network', {
    what: 'the module could not be fetched to its end',
    where,
    remedy: 'check the network; the next poll goes on where this one ended',
    cause,
  });
}

function mismatch(what: string): AgentError {
  return new AgentError('release-mismatch', 'untrusted', {
    what,
    remedy: 'nothing was loaded; ask who runs the archive',
  });
}
