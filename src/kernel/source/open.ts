import { mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SourceOrigin } from '#domain';
import { copyFolder, exists, makeFolders, sha256, sha256File } from '#host';
import { type KernelSource, readSource, sourceVersion } from '../source.ts';
import { unpackDsc, unpackSourceDeb } from './debian.ts';
import { checkoutCommit } from './git.ts';
import { parseSourceSpec, type SourceSpec } from './spec.ts';
import { unpackSource } from './unpack.ts';

export interface OpenedSource extends AsyncDisposable {
  readonly source: KernelSource;
  readonly origin: SourceOrigin;
  /** Puts the source at `target`, which does not exist yet: a copy of a directory, or what was unpacked, moved. */
  readonly place: (target: string) => Promise<void>;
}

export interface OpenOptions {
  /** Where archives are unpacked for the time being; on the file system of the trees. */
  readonly scratch: string;
  /** Where git mirrors are kept. */
  readonly mirrors: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a kernel source of any kind (see `parseSourceSpec`). What had to be unpacked goes away with it, unless placed.
 * Errors: source-unreadable, source-not-a-kernel, source-changed, archive-unsafe, git-failed.
 */
export async function openSource(text: string, { scratch, mirrors, signal }: OpenOptions): Promise<OpenedSource> {
  const spec = await parseSourceSpec(text);
  if (spec.kind === 'directory') {
    const source = await readSource(spec.path, signal);
    return {
      source,
      origin: { kind: 'directory', address: spec.path },
      place: (target) => copyFolder(spec.path, target, signal),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  await makeFolders(scratch);
  const folder = await mkdtemp(join(scratch, '.source-'));
  const clear = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const directory = join(folder, 'linux');
    const origin = await unpack(spec, mirrors, directory, signal);
    const version = await sourceVersion(directory);
    return {
      source: { directory, version, manifest: sha256(JSON.stringify(identity(origin))) },
      origin,
      place: (target) => rename(directory, target),
      [Symbol.asyncDispose]: clear,
    };
  } catch (error) {
    await clear();
    throw error;
  }
}

/** What makes two unpacked sources the same: the commit or the file, wherever it came from. */
function identity(origin: SourceOrigin): readonly string[] {
  if (origin.kind === 'git') return ['git', origin.commit];
  return origin.kind === 'directory' ? [origin.address] : [origin.kind, origin.sha256];
}

async function unpack(
  spec: Exclude<SourceSpec, { kind: 'directory' }>,
  mirrors: string,
  target: string,
  signal: AbortSignal | undefined,
): Promise<SourceOrigin> {
  if (spec.kind === 'git') {
    const commit = await checkoutCommit(spec, mirrors, target, signal);
    return { kind: 'git', address: spec.address, ref: spec.ref, commit };
  }
  const { kind, path } = spec;
  const sha = await sha256File(path);
  if (kind === 'tarball') await unpackSource(path, target, signal);
  else if (kind === 'dsc') await unpackDsc(path, target, signal);
  else await unpackSourceDeb(path, target, signal);
  return { kind, address: path, sha256: sha };
}

/** A source that stays: a directory as it is, anything else unpacked once in a folder of the trees named by what it is. */
export interface KeptSource extends OpenedSource {
  /** Where it stays. */
  readonly directory: string;
  /** Puts it there, unless it is; what was not kept goes away with it. */
  readonly keep: () => Promise<void>;
}

/** As `openSource`, for a source that is to stay. Errors: those of `openSource`. */
export async function openKept(
  text: string,
  {
    trees,
    mirrors,
    signal,
  }: { readonly trees: string; readonly mirrors: string; readonly signal?: AbortSignal | undefined },
): Promise<KeptSource> {
  const opened = await openSource(text, { scratch: trees, mirrors, signal });
  const { source, origin } = opened;
  const directory =
    origin.kind === 'directory' ? source.directory : join(trees, `source-${source.manifest.slice(0, 16)}`);
  return {
    ...opened,
    directory,
    keep: async () => {
      if (!(await exists(directory))) await opened.place(directory);
    },
  };
}
