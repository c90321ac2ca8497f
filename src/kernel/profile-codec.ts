import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { FilePrediction, Profile, ProfileOrigin } from '#domain';
import { KernelError } from './error.ts';
import { ListMap } from './profile/list-map.ts';
import { packedLists, packLists } from './profile/packed-lists.ts';
import { PathSet, pathText } from './profile/path-set.ts';

/** Version 1 was JSON, without functions and generated files. */
const VERSION = 2;
const MAGIC = 'TuxTape profile\n';
const LEVEL = 9;
const MAX_DECODED_BYTES = 512 << 20;
const BETWEEN = '\0';

/** What stands at the start, as JSON; the blocks follow in the order of `blocks`, which has their bytes. */
interface Head {
  readonly version: number;
  readonly origin: ProfileOrigin;
  /** Different targets; an object has the index of its own. */
  readonly targets: readonly (string | null)[];
  /** By object: index into `targets`. */
  readonly targetOf: readonly number[];
  /** By object: `1` init only, `0` not, `-` not known. */
  readonly initOnly: string;
  /** By object: how many of the names in the block of functions are its own. */
  readonly functionCounts: readonly number[];
  readonly sourceCount: number;
  readonly unreadable: readonly string[];
  readonly generated: readonly (readonly [string, readonly string[]])[];
  readonly predictions: readonly (readonly [string, FilePrediction])[];
  readonly blocks: readonly number[];
}

/** A profile as bytes: a head in JSON, lists of names between zero bytes, lists of indexes packed; zstd with a checksum. */
export function encodeProfile(profile: Profile): Buffer {
  const { objects, functions } = profile;
  const files = [...profile.files.keys()].toSorted();
  const targets = [...new Set(objects.map(({ target }) => target))];
  const indexOf = new Map(targets.map((target, i) => [target, i]));
  const blocks = [
    names(objects.flatMap(({ object, source }) => [object, source])),
    names(files),
    packLists(files.map((file) => profile.files.get(file)!)),
    Buffer.from(pathText(profile.sources)),
    names(functions.flat()),
  ];
  const head: Head = {
    version: VERSION,
    origin: profile.origin,
    targets,
    targetOf: objects.map(({ target }) => indexOf.get(target)!),
    initOnly: objects.map(({ initOnly }) => (initOnly === null ? '-' : Number(initOnly))).join(''),
    functionCounts: functions.map(({ length }) => length),
    sourceCount: profile.sources.size,
    unreadable: profile.unreadable,
    generated: [...profile.generated],
    predictions: [...profile.predictions],
    blocks: blocks.map(({ length }) => length),
  };
  return zstdCompressSync(Buffer.concat([Buffer.from(`${MAGIC}${JSON.stringify(head)}\n`), ...blocks]), {
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL, [constants.ZSTD_c_checksumFlag]: 1 },
  });
}

/**
 * Reads a profile back. Lists of objects and of functions are unpacked when they are asked for, because most CVEs ask for
 * few and profiles of hundreds of kernels are read in a row. Errors: profile-unreadable, also for one of an older version.
 */
export function decodeProfile(bytes: Uint8Array, where: string): Profile {
  try {
    return decoded(zstdDecompressSync(bytes, { maxOutputLength: MAX_DECODED_BYTES }));
  } catch (error) {
    throw new KernelError('profile-unreadable', 'us', {
      what: 'the stored profile cannot be read',
      where,
      remedy: 'run "tuxtape kernel profile" again',
      cause: error,
    });
  }
}

function decoded(bytes: Buffer): Profile {
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) throw new TypeError('not a profile of this version');
  const headEnd = bytes.indexOf('\n', MAGIC.length);
  const head = JSON.parse(bytes.toString('utf8', MAGIC.length, headEnd)) as Head;
  if (head.version !== VERSION) throw new TypeError(`version ${head.version}`);
  let at = headEnd + 1;
  const blocks = head.blocks.map((length) => bytes.subarray(at, (at += length)));
  const [objectNames, fileNames, readers, sources, functionNames] = blocks;
  if (functionNames === undefined || at !== bytes.length) throw new TypeError('the profile is cut off');
  const named = namesIn(objectNames!);
  const objects = head.targetOf.map((target, i) => ({
    object: named[i * 2]!,
    source: named[i * 2 + 1]!,
    target: head.targets[target]!,
    initOnly: head.initOnly[i] === '-' ? null : head.initOnly[i] === '1',
  }));
  const files = namesIn(fileNames!);
  let functions: (readonly string[])[] | undefined;
  return {
    origin: head.origin,
    objects,
    files: new ListMap(files, packedLists(readers!, files.length)),
    sources: PathSet.fromText(sources!.toString('utf8'), head.sourceCount),
    unreadable: head.unreadable,
    generated: new Map(head.generated),
    get functions() {
      return (functions ??= functionsOf(functionNames, head.functionCounts));
    },
    predictions: new Map(head.predictions),
  };
}

function functionsOf(block: Buffer, counts: readonly number[]): (readonly string[])[] {
  const all = namesIn(block);
  let at = 0;
  return counts.map((count) => all.slice(at, (at += count)));
}

function names(list: readonly string[]): Buffer {
  return Buffer.from(list.join(BETWEEN));
}

function namesIn(block: Buffer): string[] {
  return block.length === 0 ? [] : block.toString('utf8').split(BETWEEN);
}
