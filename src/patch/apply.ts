import type { Toolchain } from '#domain';
import { type RunResult } from '#host';
import { runInTree } from '#kernel';
import { PatchError } from './error.ts';

const TIMEOUT_MS = 120_000;

/**
 * How a patch fits a tree. `fuzz`: it applies only when context lines are ignored; `three-way`: only by a merge with the
 * file that it was made for. A person must look at both. `marked`: it does not, and markers stand where it did not.
 */
export interface Fit {
  readonly how: 'exact' | 'offset' | 'fuzz' | 'three-way' | 'marked';
  readonly remarks: readonly string[];
}

/**
 * Tries a patch on a tree without changing it (GNU patch --dry-run, in the sandbox).
 * Errors: patch-does-not-apply (with the hunks), already-fixed (it applies only backwards).
 */
export async function tryPatch(tree: string, toolchain: Toolchain, text: string): Promise<Fit> {
  const exact = await dryRun(tree, toolchain, text, ['--fuzz=0']);
  if (exact.exitCode === 0) return { how: /offset/.test(exact.stdout) ? 'offset' : 'exact', remarks: remarks(exact) };
  const backwards = await dryRun(tree, toolchain, text, ['--fuzz=0', '--reverse']);
  if (backwards.exitCode === 0) {
    throw new PatchError('already-fixed', 'input', {
      what: 'the change is in this source already: it applies backwards without a rest',
      where: tree,
      remedy: 'nothing is to be done for this kernel; its version number only does not say so',
    });
  }
  const fuzzy = await dryRun(tree, toolchain, text, []);
  if (fuzzy.exitCode === 0) return { how: 'fuzz', remarks: remarks(fuzzy) };
  throw new PatchError('patch-does-not-apply', 'patch', {
    what: `the patch does not apply: ${remarks(exact).slice(0, 6).join('; ')}`,
    where: tree,
    remedy: 'take the fix of a nearer branch, or adapt it by hand and give it with --patch',
  });
}

async function dryRun(
  tree: string,
  toolchain: Toolchain,
  text: string,
  options: readonly string[],
): Promise<RunResult> {
  const args = ['-p1', '--dry-run', '--force', '--batch', '--no-backup-if-mismatch', ...options];
  return runInTree(tree, toolchain, 'patch', args, { input: text, okCodes: [0, 1], timeoutMs: TIMEOUT_MS });
}

/** What GNU patch says of hunks, each with its file; hunks that fit exactly are not spoken of. */
export function remarks({ stdout }: Pick<RunResult, 'stdout'>): string[] {
  let file = '';
  const found: string[] = [];
  for (const line of stdout.split('\n')) {
    const name = /^(?:checking|patching) file (.+)$/.exec(line);
    if (name) file = name[1]!.replaceAll("'", '');
    else if (/^Hunk #|can't find file|No file to patch|out of \d+ hunk/.test(line))
      found.push(`${file}: ${line.trim()}`);
  }
  return found;
}
