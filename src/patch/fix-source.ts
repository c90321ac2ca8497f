import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CveRecord, MAX_PATCH_BYTES } from '#domain';
import { type Git, readLimited } from '#host';
import { branchOf, type FixBranch, type FixChoice, fixesInOrder, reasonOf } from './branch.ts';
import { PatchError } from './error.ts';
import type { FetchedFix, FixSource } from './sources/source.ts';

/** A fixing commit of a CVE, with its change. */
export interface Fix extends FetchedFix {
  readonly commit: string;
  /** Version that first carries it. */
  readonly version: string;
  readonly branch: FixBranch;
  /** Why this one, in a sentence. */
  readonly reason: string;
  readonly where: string;
}

/**
 * Fetches the fix of a CVE that is nearest to a kernel and that the source has. Errors: fix-not-found, saying what was
 * looked for; those of the source.
 */
export async function fetchFix(record: CveRecord, version: string, source: FixSource): Promise<Fix> {
  const wanted = fixesInOrder(record, version);
  for (const [i, choice] of wanted.entries()) {
    const fix = await fetchOne(choice, version, source, wanted.slice(0, i));
    if (fix !== undefined) return fix;
  }
  throw notFound(record, source, wanted);
}

async function fetchOne(
  choice: FixChoice,
  kernel: string,
  source: FixSource,
  passed: readonly FixChoice[],
): Promise<Fix | undefined> {
  const found = await source.changeOf(choice.commit);
  if (found === undefined) return undefined;
  return {
    ...choice,
    ...found,
    reason: reasonOf(choice, kernel, passed),
    where: `${source.address} ${choice.commit}`,
  };
}

function notFound({ id }: CveRecord, { address }: FixSource, wanted: readonly FixChoice[]): PatchError {
  return new PatchError('fix-not-found', 'input', {
    what: `no fix of ${id} is in the source of fixes`,
    where: address,
    remedy:
      wanted.length === 0
        ? 'the CVE names no fixing commit yet; give the change with --patch'
        : `looked for ${wanted
            .slice(0, 6)
            .map(({ version: fixed, commit }) => `${commit.slice(0, 12)} (${fixed})`)
            .join(', ')}; fetch it, or give it with --patch`,
  });
}

/**
 * Every fix of a CVE in the branch that `fetchFix` would take it from, in the order of history: all of them together are
 * the fix. Errors: fix-not-found, when one of them is missing.
 */
export async function fetchBranchFixes(record: CveRecord, version: string, source: FixSource): Promise<Fix[]> {
  const first = await fetchFix(record, version, source);
  const choices = fixesInOrder(record, version).filter(
    (choice) => branchOf(choice.version) === branchOf(first.version),
  );
  const fixes: Fix[] = [];
  for (const choice of choices) {
    const fix = choice.commit === first.commit ? first : await fetchOne(choice, version, source, []);
    if (fix === undefined) throw notFound(record, source, [choice]);
    fixes.push(fix);
  }
  return inHistoryOrder(fixes, source.history);
}

/** Fixes that one version brought come in the order of the repository, else of their dates, else as the record lists them. */
async function inHistoryOrder(fixes: readonly Fix[], git: Git | null): Promise<Fix[]> {
  const groups = [...Map.groupBy(fixes, ({ version }) => version).values()];
  const sorted: Fix[] = [];
  for (const group of groups) sorted.push(...(await inOrder(group, git)));
  return sorted;
}

async function inOrder(group: readonly Fix[], git: Git | null): Promise<Fix[]> {
  if (group.length < 2) return [...group];
  if (git === null) return group.toSorted((a, b) => (a.date ?? Infinity) - (b.date ?? Infinity) || 0);
  const before = new Map<Fix, number>();
  for (const fix of group) {
    const others = group.filter((other) => other !== fix);
    const older = await Promise.all(others.map((other) => git.isAncestor(other.commit, fix.commit)));
    before.set(fix, older.filter(Boolean).length);
  }
  return group.toSorted((a, b) => before.get(a)! - before.get(b)!);
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
