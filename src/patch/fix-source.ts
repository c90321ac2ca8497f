import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CveRecord,
  compareKernelVersions,
  type KernelVersion,
  MAX_PATCH_BYTES,
  parseKernelVersion,
  type RangeEnd,
} from '#domain';
import { errno, exists, Git, readLimited } from '#host';
import { PatchError } from './error.ts';

export interface Fix {
  readonly commit: string;
  /** Version that first carries it. */
  readonly version: string;
  readonly text: string;
  readonly where: string;
  /** Path of the file it was read from; null: from git. */
  readonly file: string | null;
}

/**
 * Fixes of a CVE in the order to try them for a kernel: its own stable branch, then the nearest branch above it, and so
 * on up to mainline, then the nearest below: the nearest branch's change needs the least adaptation.
 */
export function fixesInOrder(record: CveRecord, version: string): RangeEnd[] {
  const kernel = parseKernelVersion(version);
  const ends = record.ranges.flatMap(({ fixed }) => (fixed?.commit ? [fixed] : []));
  const unique = [...new Map(ends.map((end) => [end.commit, end])).values()];
  if (kernel === undefined) return unique;
  const key = (end: RangeEnd): [number, KernelVersion] => {
    const fix = parseKernelVersion(end.version) ?? { mainline: [0], patch: 0, rc: undefined };
    const branch = compareKernelVersions({ ...fix, patch: 0, rc: undefined }, { ...kernel, patch: 0, rc: undefined });
    return [branch === 0 ? 0 : branch > 0 ? 1 : 2, fix];
  };
  return unique.toSorted((a, b) => {
    const [classA, fixA] = key(a);
    const [classB, fixB] = key(b);
    return classA - classB || (classA === 2 ? compareKernelVersions(fixB, fixA) : compareKernelVersions(fixA, fixB));
  });
}

/** Its own folder, bare or with a work tree. */
export async function isGitRepository(source: string): Promise<boolean> {
  return (await exists(join(source, 'objects'))) || (await exists(join(source, '.git')));
}

/** Errors: fixes-missing, where nothing can be looked for in `source` at all. */
export async function requireFixes(source: string): Promise<void> {
  const names = await readdir(source).catch((error: unknown) => (errno(error) === 'ENOTDIR' ? 'file' : null));
  if (Array.isArray(names) && (names.some((name) => name.endsWith('.patch')) || (await isGitRepository(source))))
    return;
  const found = {
    file: 'the source of fixes is a file, and no directory',
    none: 'the source of fixes is not there, or cannot be read',
    other: 'the source of fixes has no <commit>.patch file, and is no git repository',
  };
  throw new PatchError('fixes-missing', 'input', {
    what: found[names === null ? 'none' : names === 'file' ? 'file' : 'other'],
    where: source,
    remedy: 'give a directory of <commit>.patch files, or the top folder of a git repository',
  });
}

/**
 * Fetches the fix of a CVE from a directory of `<commit>.patch` files or a git repository. Errors: fix-not-found, saying
 * what was looked for.
 */
export async function fetchFix(record: CveRecord, version: string, source: string): Promise<Fix> {
  const wanted = fixesInOrder(record, version);
  const isGit = await isGitRepository(source);
  const names = isGit ? [] : await readdir(source).catch(() => []);
  for (const end of wanted) {
    const found = isGit ? await fromGit(source, end.commit!) : await fromDirectory(source, names, end.commit!);
    if (found !== undefined)
      return { commit: end.commit!, version: end.version, ...found, where: `${source} ${end.commit!}` };
  }
  throw new PatchError('fix-not-found', 'input', {
    what: `no fix of ${record.id} is in the source of fixes`,
    where: source,
    remedy:
      wanted.length === 0
        ? 'the CVE names no fixing commit yet; give the change with --patch'
        : `looked for ${wanted
            .slice(0, 6)
            .map(({ version: fixed, commit }) => `${commit!.slice(0, 12)} (${fixed})`)
            .join(', ')}; fetch it, or give it with --patch`,
  });
}

/**
 * Every fix of a CVE in the branch that `fetchFix` would take it from, oldest first: all of them together are the fix.
 * Errors: fix-not-found, when one of them is missing.
 */
export async function fetchBranchFixes(record: CveRecord, version: string, source: string): Promise<Fix[]> {
  const first = await fetchFix(record, version, source);
  const branch = (end: { version: string }): string =>
    parseKernelVersion(end.version)?.mainline.join('.') ?? end.version;
  const ends = fixesInOrder(record, version).filter((end) => branch(end) === branch(first));
  const fixes: Fix[] = [];
  for (const end of ends) {
    const only = { ...record, ranges: [{ introduced: null, fixed: end }] };
    fixes.push(end.commit === first.commit ? first : await fetchFix(only, version, source));
  }
  return fixes;
}

type Found = Pick<Fix, 'text' | 'file'>;

async function fromDirectory(folder: string, names: readonly string[], commit: string): Promise<Found | undefined> {
  const name = names.find((entry) => entry.endsWith('.patch') && entry.startsWith(commit));
  if (name === undefined) return undefined;
  const file = join(folder, name);
  return { text: (await readLimited(file, MAX_PATCH_BYTES)).toString('utf8'), file };
}

async function fromGit(directory: string, commit: string): Promise<Found | undefined> {
  const git = new Git(directory);
  if (!/^[0-9a-f]{7,40}$/.test(commit) || !(await git.hasCommit(commit))) return undefined;
  const { stdout } = await git.run(
    [
      'diff-tree',
      '--patch',
      '--no-color',
      '--no-ext-diff',
      '--no-textconv',
      '--no-renames',
      '--no-commit-id',
      '-r',
      '--first-parent',
      commit,
    ],
    {
      maxOutput: MAX_PATCH_BYTES,
    },
  );
  return { text: stdout, file: null };
}

/** Reads a patch a person gives. */
export async function readPatchFile(file: string): Promise<string> {
  return (await readLimited(file, MAX_PATCH_BYTES)).toString('utf8');
}

/** The old text of files of a tree, for `lint`; files that are not there are absent. */
export async function oldTexts(tree: string, paths: readonly string[]): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const path of paths) {
    const text = await readFile(join(tree, path), 'utf8').catch(() => undefined);
    if (text !== undefined) texts.set(path, text);
  }
  return texts;
}
