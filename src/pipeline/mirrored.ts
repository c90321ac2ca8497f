import { join } from 'node:path';
import { mirror } from '#feed';

/** Path of a source that is a tree: a URL is mirrored below the data directory, a path is read where it is. */
export async function mirrored(dataDirectory: string, name: string, address: string): Promise<string> {
  if (!address.includes('://')) return address;
  const directory = join(dataDirectory, 'mirrors/signals', `${name}.git`);
  await mirror(address, directory, { depth: 1 });
  return directory;
}
