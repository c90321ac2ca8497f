import type { DiffLine, FileDiff, Hunk } from './diff.ts';

const CONTEXT = 3;

/**
 * A hunk for each run of changed lines, so that each can be left out by itself. The lines between two runs are shared out: no
 * line of the old file is in two hunks.
 */
export function splitHunks(files: readonly FileDiff[]): FileDiff[] {
  return files.map((file) => ({ ...file, hunks: file.hunks.flatMap(split) }));
}

function split(hunk: Hunk): Hunk[] {
  const { lines, heading } = hunk;
  const runs = runsOf(lines);
  return runs.map(([first, last], index) => {
    const before = runs[index - 1];
    const after = runs[index + 1];
    const gap = before === undefined ? 0 : before[1] + 1 + share(before[1], first);
    const from = Math.max(gap, first - CONTEXT);
    const until = after === undefined ? lines.length : last + 1 + share(last, after[0]);
    const to = Math.min(until, last + 1 + CONTEXT);
    const skipped = lines.slice(0, from).filter(({ kind }) => kind !== '+').length;
    return { oldStart: hunk.oldStart + skipped, lines: lines.slice(from, to), heading };
  });
}

/** Of the unchanged lines between two runs, how many follow the first. */
function share(last: number, next: number): number {
  return Math.floor((next - last - 1) / 2);
}

/** First and last index of each run of lines that are not kept. */
function runsOf(lines: readonly DiffLine[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const [index, { kind }] of lines.entries()) {
    if (kind === ' ') continue;
    const run = runs.at(-1);
    if (run !== undefined && run[1] === index - 1) run[1] = index;
    else runs.push([index, index]);
  }
  return runs;
}
