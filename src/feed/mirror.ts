import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StageError } from '#domain';
import { exists, Git, makeFolders, readLimited } from '#host';
import { unreachable } from './error.ts';

export interface MirrorOptions {
  /** Only so many commits of the history. */
  readonly depth?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Mirrors a repository into `directory`: cloned the first time (it appears whole or not at all), fetched afterwards. A
 * mirror that a kill, a full disk or a bad sector damaged is made anew while the old one still stands. Whoever calls
 * holds the lock of the data directory: nobody else works in the mirror. Errors: feed-unreachable.
 */
export async function mirror(address: string, directory: string, options: MirrorOptions = {}): Promise<Git> {
  try {
    if (await exists(directory)) return await refreshed(address, directory, options);
    return await cloned(address, directory, options);
  } catch (error) {
    if (error instanceof StageError && error.code !== 'git-failed') throw error;
    options.signal?.throwIfAborted();
    throw unreachable(address, error);
  }
}

async function refreshed(address: string, directory: string, options: MirrorOptions): Promise<Git> {
  const git = new Git(directory, options.signal);
  await git.clearLeftovers();
  await git.cutAt(await cutsOf(address));
  try {
    await git.fetch(address, options.depth);
    await git.head();
    return git;
  } catch (error) {
    const damaged = error instanceof StageError && error.code === 'git-failed' && error.fault !== 'network';
    // The address may be the damaged part: only what can be cloned whole takes the place of the mirror.
    if (!damaged) throw error;
    return cloned(address, directory, options);
  }
}

async function cloned(address: string, directory: string, options: MirrorOptions): Promise<Git> {
  const temporary = `${directory}.part`;
  await rm(temporary, { recursive: true, force: true });
  await makeFolders(dirname(directory));
  try {
    const cuts = await cutsOf(address);
    if (cuts.length === 0) await Git.mirror(address, temporary, options);
    else await (await Git.empty(temporary, cuts, options.signal)).fetch(address);
    await rm(directory, { recursive: true, force: true });
    await rename(temporary, directory);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return new Git(directory, options.signal);
}

const MAX_CUTS_BYTES = 16 << 20;

/** Where the history of a bundle file is cut off, as the file beside it says; none for anything else. */
async function cutsOf(address: string): Promise<string[]> {
  const file = `${address}.shallow`;
  if (!address.endsWith('.bundle') || !(await exists(file))) return [];
  const lines = (await readLimited(file, MAX_CUTS_BYTES)).toString('latin1').split('\n');
  return lines.filter((line) => /^[0-9a-f]{40,64}$/.test(line));
}
