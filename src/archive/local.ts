import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { hasCode } from '#domain';
import { type Clock, HostError, HttpStatusError, readLimited } from '#host';
import { type Fetch, openArchive, type TrustedArchive } from '#trust';
import { type ArchiveState, metadataPath } from './state.ts';

/** An archive in a folder as the client sees one on a server: what is not there is 404, what is too long is cut off. */
export function folderFetch(directory: string): Fetch {
  return async (url, { maxBytes }) => {
    const file = normalize(fileURLToPath(url));
    if (!file.startsWith(`${normalize(directory)}/`)) throw new HttpStatusError(url, 404, null);
    try {
      return await readLimited(file, maxBytes);
    } catch (error) {
      if (hasCode(error, 'file-missing')) throw new HttpStatusError(url, 404, null);
      if (hasCode(error, 'file-too-large'))
        throw new HostError('http-too-large', 'untrusted', {
          what: `the file is longer than ${maxBytes} bytes`,
          where: file,
        });
      throw error;
    }
  };
}

/**
 * Opens a folder with the client that hosts run: as a host that has only the root, or (`seen`) one that has seen the archive of another
 * folder to its newest. Errors: those of `openArchive`.
 */
export async function openFolder<T>(
  directory: string,
  root: Buffer,
  clock: Clock,
  body: (archive: TrustedArchive) => Promise<T>,
  seen?: ArchiveState,
): Promise<T> {
  const state = await mkdtemp(join(tmpdir(), 'tuxtape-verify-'));
  try {
    if (seen !== undefined) await remember(state, seen);
    const url = pathToFileURL(directory).href;
    return await body(await openArchive({ url, root, state, clock, fetch: folderFetch(directory) }));
  } finally {
    await rm(state, { recursive: true, force: true });
  }
}

/** What a host would have stored. It is verified again when it is read; whether it has expired does not matter. */
async function remember(state: string, { directory, root, snapshot }: ArchiveState): Promise<void> {
  const files = { 'timestamp.json': 'timestamp', [`${snapshot.signed.version}.snapshot.json`]: 'snapshot' };
  for (const [name, role] of Object.entries(files))
    await cp(metadataPath(directory, name), join(state, 'metadata', `${role}.json`));
  for (let version = 1; version <= root.signed.version; version += 1)
    await cp(metadataPath(directory, `${version}.root.json`), join(state, 'roots', `${version}.root.json`));
  await cp(metadataPath(directory, `${root.signed.version}.root.json`), join(state, 'metadata/root.json'));
}
