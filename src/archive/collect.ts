import { readdir, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { exists } from '#host';
import { ArchiveError } from './error.ts';
import type { SnapshotSigned, TargetsSigned } from './metadata.ts';
import { type ArchivePlace, locked } from './place.ts';
import { metadataPath, readMetadata, readState, targetFile } from './state.ts';

const HOUR_MS = 3_600_000;
/** A client that began before a snapshot expired may take as long as its updates may take, on a clock that is somewhat off. */
export const GRACE_HOURS = 24;
const SNAPSHOT = /^([1-9]\d*)\.snapshot\.json$/;
const VERSIONED = /^[1-9]\d*\.[a-z]+(?:-[0-9a-f]+)?\.json$/;
const ROOT = /^[1-9]\d*\.root\.json$/;
const LEFT_OVER = /^\.[0-9a-f-]{36}\.tmp$/;

export interface Collected {
  readonly kept: number;
  readonly removed: readonly string[];
  readonly bytes: number;
}

/**
 * Removes what no client can ask for any more: files that no snapshot names which is today's, or has not expired for longer than the
 * grace time; and of these only what is older than the grace time itself, for a publication that is under way. All roots stay. With
 * `dryRun` nothing is removed. Errors: archive-broken, then nothing is removed either.
 */
export async function collectGarbage(
  place: Pick<ArchivePlace, 'directory' | 'clock'>,
  { graceHours = GRACE_HOURS, dryRun = false }: { readonly graceHours?: number; readonly dryRun?: boolean } = {},
): Promise<Collected> {
  const { directory, clock } = place;
  return locked(place, async () => {
    const before = clock.now().getTime() - graceHours * HOUR_MS;
    const needed = await filesInUse(directory, before);
    const removed: string[] = [];
    let [kept, bytes] = [0, 0];
    for (const file of await filesOf(directory)) {
      const info = await stat(join(directory, file));
      if (needed.has(file) || info.mtimeMs > before) {
        kept += 1;
        continue;
      }
      removed.push(file);
      bytes += info.size;
      if (!dryRun) await rm(join(directory, file), { force: true });
    }
    return { kept, removed, bytes };
  });
}

/** Paths within the archive that a client may still ask for. */
export async function filesInUse(directory: string, expiredBefore: number): Promise<Set<string>> {
  const state = await readState(directory);
  const names = await readdir(join(directory, 'metadata'));
  const needed = new Set(['root.json', 'metadata/timestamp.json']);
  for (const name of names) if (ROOT.test(name)) needed.add(`metadata/${name}`);
  const today = state.snapshot.signed.version;
  for (const name of names) {
    const version = Number(SNAPSHOT.exec(name)?.[1] ?? 0);
    if (version === 0) continue;
    const snapshot = await readMetadata<SnapshotSigned>(directory, name);
    // One above today's may be of a publication that was cut off: the next refresh decides.
    if (version >= today || Date.parse(snapshot.signed.expires) > expiredBefore) {
      needed.add(`metadata/${name}`);
      for (const [role, meta] of Object.entries(snapshot.signed.meta))
        await useRole(directory, `${meta.version}.${role}`, needed);
    }
  }
  return needed;
}

async function useRole(directory: string, name: string, needed: Set<string>): Promise<void> {
  if (needed.has(`metadata/${name}`)) return;
  needed.add(`metadata/${name}`);
  if (!(await exists(metadataPath(directory, name)))) {
    throw new ArchiveError('archive-broken', 'input', {
      what: 'a snapshot that hosts may hold names a file that is not there; nothing was removed',
      where: metadataPath(directory, name),
      remedy: 'restore the file from a copy',
    });
  }
  const { signed } = await readMetadata<TargetsSigned>(directory, name);
  for (const [path, entry] of Object.entries(signed.targets)) needed.add(targetFile(path, entry));
}

/** Files that may be removed at all: those that this program wrote. */
async function filesOf(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(join(directory, 'metadata')))
    if ((VERSIONED.test(name) && !ROOT.test(name)) || LEFT_OVER.test(name)) found.push(`metadata/${name}`);
  try {
    const entries = await readdir(join(directory, 'targets'), { recursive: true, withFileTypes: true });
    for (const entry of entries)
      if (entry.isFile()) found.push(relative(directory, join(entry.parentPath, entry.name)));
  } catch (error) {
    // An archive without a target has no such folder.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return found;
}
