import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArchivePlace, type KeyChanges, type KeyRole, makeKey, NO_CHANGES, type PublicKey } from '#archive';
import { openArchive, type TrustedArchive } from '#trust';
import { serveFolder } from './static-server.ts';

/** Makes a key in a folder of its holder. */
export async function holderKey(
  home: string,
  holder: string,
  name: string,
  passphrase: string | null = null,
): Promise<PublicKey> {
  return (await makeKey(join(home, holder), name, passphrase)).key;
}

export function adding(...entries: readonly (readonly [KeyRole, PublicKey])[]): KeyChanges {
  return { ...NO_CHANGES, add: entries.map(([role, key]) => ({ role, key })) };
}

/** What a host that was given `root` and remembers in `state` sees of a folder, over HTTP. */
export async function visit<T>(
  place: Pick<ArchivePlace, 'directory'> & Partial<Pick<ArchivePlace, 'clock'>>,
  root: Buffer,
  state: string,
  body: (archive: TrustedArchive) => Promise<T>,
): Promise<T> {
  await using server = await serveFolder(place.directory);
  return await body(await openArchive({ url: server.url, root, state, ...(place.clock && { clock: place.clock }) }));
}

export function rootOf({ directory }: Pick<ArchivePlace, 'directory'>): Promise<Buffer> {
  return readFile(join(directory, 'root.json'));
}
