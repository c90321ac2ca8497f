import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Profile } from '#domain';
import { KernelError } from './error.ts';

const VERSION = 1;
const LEVEL = 9;
const MAX_DECODED_BYTES = 512 << 20;

interface Encoded {
  readonly version: number;
  readonly objects: [string, string, string | null][];
  /** Paths in order; the users of each follow in `users` as a count and rising indexes, each given as the difference. */
  readonly files: string[];
  readonly users: number[];
  readonly sources: string[];
  readonly unreadable: string[];
}

/** A profile as bytes: JSON with indexes as differences, zstd. */
export function encodeProfile(profile: Profile): Buffer {
  const files = [...profile.files.keys()].sort();
  const users: number[] = [];
  for (const file of files) {
    const list = profile.files.get(file)!;
    users.push(list.length);
    for (const [i, index] of list.entries()) users.push(i === 0 ? index : index - list[i - 1]!);
  }
  const encoded: Encoded = {
    version: VERSION,
    objects: profile.objects.map(({ object, source, target }) => [object, source, target]),
    files,
    users,
    sources: [...profile.sources].sort(),
    unreadable: [...profile.unreadable],
  };
  return zstdCompressSync(JSON.stringify(encoded), { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } });
}

/** Errors: profile-unreadable. */
export function decodeProfile(bytes: Uint8Array, where: string): Profile {
  let encoded: Encoded;
  try {
    encoded = JSON.parse(zstdDecompressSync(bytes, { maxOutputLength: MAX_DECODED_BYTES }).toString('utf8')) as Encoded;
    if (encoded.version !== VERSION) throw new TypeError(`version ${encoded.version}`);
  } catch (error) {
    throw new KernelError('profile-unreadable', 'us', {
      what: 'the stored profile cannot be read',
      where,
      remedy: 'run "tuxtape kernel profile" again',
      cause: error,
    });
  }
  const files = new Map<string, readonly number[]>();
  let at = 0;
  for (const file of encoded.files) {
    const list: number[] = [];
    const end = at + 1 + (encoded.users[at] ?? 0);
    let index = 0;
    for (at += 1; at < end; at += 1) list.push((index += encoded.users[at]!));
    files.set(file, list);
  }
  const objects = encoded.objects.map(([object, source, target]) => ({ object, source, target, initOnly: null }));
  return {
    origin: 'build',
    objects,
    files,
    sources: new Set(encoded.sources),
    unreadable: encoded.unreadable,
    generated: new Map(),
    functions: objects.map(() => []),
    predictions: new Map(),
  };
}
