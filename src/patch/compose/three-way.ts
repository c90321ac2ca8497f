import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Git, run } from '#host';
import type { FileDiff } from '../diff.ts';
import { applyTexts } from './apply-texts.ts';
import { moveFiles } from './move.ts';
import type { ComposeOptions } from './options.ts';
import type { ComposeStep } from './steps.ts';
import { readNow } from './try-step.ts';

const TIMEOUT_MS = 60_000;
const MARKER = /^<<<<<<< /gm;
/** git merge-file ends with the number of conflicts, at most 127; 255 is a failure (git-merge-file(1)). */
const CONFLICTS = Array.from({ length: 128 }, (_, count) => count);

/** What a merge left of one file. */
export interface MergedFile {
  readonly path: string;
  readonly text: string | null;
  /** Places with markers. */
  readonly conflicts: number;
  /** The file before the fix and after it were at hand: without them a merge without a conflict is no promise. */
  readonly known: boolean;
}

/**
 * Merges the change of a step into the source: with git merge-file of the file before the fix, after it and here, where the
 * first two can be had, else with `patch --merge`. Both sides of a conflict, and what they come from, stand between markers.
 */
export async function mergeStep(
  step: ComposeStep,
  texts: ReadonlyMap<string, string | null>,
  options: ComposeOptions,
): Promise<{ step: ComposeStep; merged: readonly MergedFile[] }> {
  const { files } = await moveFiles(step, texts, options);
  const merged: MergedFile[] = [];
  for (const [i, file] of files.entries()) {
    const ours = (await readNow(texts, options.source, file.path)) ?? null;
    const own = step.files[i]!.path;
    const sides = step.commit === null ? null : ((await options.sides?.(step.commit, own)) ?? null);
    merged.push(
      ours === null || sides === null || sides.before === null || sides.after === null
        ? await byPatch(file, ours, options)
        : await byGit(file.path, { ours, before: sides.before, after: sides.after }, step.commit ?? ''),
    );
  }
  return { step: { ...step, files }, merged };
}

async function byGit(
  path: string,
  { ours, before, after }: { ours: string; before: string; after: string },
  commit: string,
): Promise<MergedFile> {
  const folder = await mkdtemp(join(tmpdir(), 'tuxtape-merge-'));
  try {
    for (const [name, text] of Object.entries({ ours, before, after }))
      await writeFile(join(folder, name), text, 'latin1');
    const short = commit.slice(0, 12);
    const labels = ['this kernel', `before ${short}`, `after ${short}`].flatMap((label) => ['-L', label]);
    const args = ['merge-file', '--quiet', '--diff3', ...labels, 'ours', 'before', 'after'];
    const options = { cwd: folder, env: Git.environment(), okCodes: CONFLICTS, timeoutMs: TIMEOUT_MS };
    await run('git', args, options);
    const text = await readFile(join(folder, 'ours'), 'latin1');
    return { path, text, conflicts: count(text), known: true };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function byPatch(file: FileDiff, ours: string | null, { toolchain }: ComposeOptions): Promise<MergedFile> {
  const { path } = file;
  if ((ours === null) !== (file.kind === 'added'))
    return { path, text: wanted(file, ours ?? ''), conflicts: 1, known: false };
  const applied = await applyTexts([file], new Map([[path, ours]]), { toolchain, fuzz: true, merge: true });
  const text = applied.texts?.get(path) ?? null;
  return { path, text, conflicts: text === null ? 0 : count(text), known: false };
}

/** A file that is not here at all, or here and to be added: what the fix makes of the lines it shows, for a person to place. */
function wanted({ hunks }: FileDiff, ours: string): string {
  const part = (without: string): string =>
    hunks.flatMap(({ lines }) => lines.filter(({ kind }) => kind !== without).map(({ text }) => `${text}\n`)).join('');
  return `<<<<<<< this kernel\n${ours}||||||| before\n${part('+')}=======\n${part('-')}>>>>>>> after\n`;
}

export function count(text: string): number {
  return text.match(MARKER)?.length ?? 0;
}
