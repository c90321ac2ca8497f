import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { errno, exists, Git } from '#host';
import { PatchError } from '../error.ts';
import { cgitSource } from './cgit.ts';
import { directorySource } from './directory.ts';
import { gitSource } from './git.ts';
import { remoteGitSource } from './git-remote.ts';
import type { FixDoors, FixSource } from './source.ts';

const REMOTE = /^(?:https|ssh|git|file):\/\/[^\s-]\S*$/;
const HOST_AND_PATH = /^[\w.@-]+:(?!:|\/\/)[^\s-]/;

/**
 * Opens what `--fixes` names, by its form: a directory of `<commit>.patch` files or a git repository on this machine,
 * `git:ADDRESS` (a path or an address), or the https address of a repository's page. Errors: fixes-missing, source-refused.
 */
export async function openFixes(address: string, doors: FixDoors): Promise<FixSource> {
  if (/^https?:\/\//.test(address)) return cgitSource(address, doors);
  if (!address.startsWith('git:')) return openLocal(resolve(address), false);
  const place = address.slice('git:'.length);
  if (REMOTE.test(place) || HOST_AND_PATH.test(place)) return remoteGitSource(place, doors);
  if (place !== '' && !place.startsWith('-') && !/^[\w+.-]+:/.test(place)) return openLocal(resolve(place), true);
  throw new PatchError('source-refused', 'input', {
    what: 'a git source of fixes is git:PATH or git:ADDRESS, where the address is https, ssh, git or file',
    where: address.slice(0, 300),
    remedy: 'give one of these, a directory of <commit>.patch files, or the https address of a page of cgit',
  });
}

/** Its own folder, bare or with a work tree. */
async function isGitRepository(path: string): Promise<boolean> {
  return (await exists(join(path, 'objects'))) || (await exists(join(path, '.git')));
}

async function openLocal(path: string, asGit: boolean): Promise<FixSource> {
  const names = await readdir(path).catch((error: unknown) => (errno(error) === 'ENOTDIR' ? 'file' : null));
  if (Array.isArray(names)) {
    if (await isGitRepository(path)) return gitSource(new Git(path));
    if (!asGit && names.some((name) => name.endsWith('.patch'))) return directorySource(path);
  }
  const found = {
    file: 'the source of fixes is a file, and no directory',
    none: 'the source of fixes is not there, or cannot be read',
    other: asGit
      ? 'the source of fixes is no git repository'
      : 'the source of fixes has no <commit>.patch file, and is no git repository',
  };
  throw new PatchError('fixes-missing', 'input', {
    what: found[names === null ? 'none' : names === 'file' ? 'file' : 'other'],
    where: path,
    remedy: 'give a directory of <commit>.patch files, or the top folder of a git repository',
  });
}
