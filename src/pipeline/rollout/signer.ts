import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArchivePlace, type Refreshed, readRollout, refreshArchive, setRollout, showArchive } from '#archive';
import { MAX_ROLLOUT_FILE_BYTES, parseRolloutFile, type RolloutFile, renderRolloutFile, rolloutPath } from '#domain';
import { exists, readLimited, withLock, writeAtomic } from '#host';
import { RolloutError } from '#rollout';

/**
 * The archive's rollout role as the controller sees it: it signs and publishes whole files, and says what is published. Whoever holds
 * the key refuses to go back: a file whose serial is not above the published one's, unless it is that very file.
 */
export interface RolloutSigner {
  /** The files that hosts can read now, as text. Errors: file-unreadable: then nothing is decided. */
  published(): Promise<readonly string[]>;
  /** Errors: file-outdated. */
  publish(file: RolloutFile, content: string): Promise<void>;
}

const LOCK_WAIT_MS = 30_000;
/** Far more kernels than one site has. */
const MAX_FILES = 10_000;

/** Keeps the files in a folder, `rollout/BUILD-ID.json` as in the archive: what its rollout role signs. */
export function folderSigner(directory: string): RolloutSigner {
  const folder = join(directory, 'rollout');
  return {
    published: async () => {
      if (!(await exists(folder))) return [];
      const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).slice(0, MAX_FILES);
      return Promise.all(names.map((name) => readContent(join(folder, name))));
    },
    publish: async (file, content) => {
      await mkdir(folder, { recursive: true });
      const path = join(directory, rolloutPath(file.buildId));
      await withLock(join(folder, '.lock'), LOCK_WAIT_MS, async () => {
        const before = (await exists(path)) ? await readContent(path) : null;
        if (before !== null) requireLater(before, file, content, path);
        await writeAtomic(path, content);
      });
    },
  };
}

/** Signs and publishes with the key of the archive's rollout role, where it is at hand. */
export function archiveSigner(place: ArchivePlace): RolloutSigner {
  const { directory } = place;
  return {
    published: async () => (await showArchive(directory)).rollouts.map(renderRolloutFile),
    publish: async (file, content) => {
      const before = await readRollout(directory, file.buildId);
      if (before !== undefined) {
        if (renderRolloutFile(before) === content) return;
        requireLater(renderRolloutFile(before), file, content, rolloutPath(file.buildId));
      }
      // Held against the published serial once more, under the lock of the archive.
      await setRollout(place, file);
    },
  };
}

async function readContent(path: string): Promise<string> {
  const text = (await readLimited(path, MAX_ROLLOUT_FILE_BYTES)).toString('utf8');
  readRolloutText(text, path);
  return text;
}

/** Errors: file-unreadable. */
export function readRolloutText(text: string, where: string): RolloutFile {
  const file = parseRolloutFile(text);
  if (file !== undefined) return file;
  throw new RolloutError('file-unreadable', 'untrusted', {
    what: 'a published rollout file cannot be read, so nobody knows what hosts were told',
    where,
    remedy: 'look at who wrote it; then publish a file with a greater serial, or remove it',
  });
}

function requireLater(before: string, file: RolloutFile, content: string, where: string): void {
  const { serial } = readRolloutText(before, where);
  if (file.serial > serial || before === content) return;
  throw new RolloutError('file-outdated', 'toolchain', {
    what: `serial ${serial} is published, and ${file.serial} is not later`,
    where,
    remedy: 'nothing: another controller was quicker, or the store is an old copy, which the next round sees',
  });
}

/** New online metadata where the old is half over. Errors: those of `refreshArchive`. */
export function refreshOnlineRoles(place: ArchivePlace): Promise<Refreshed> {
  return refreshArchive(place);
}
