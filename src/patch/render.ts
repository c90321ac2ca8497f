import { createHash } from 'node:crypto';
import { structuredPatch } from 'diff';
import type { DiffLine, FileDiff, Hunk } from './diff.ts';

const CONTEXT = 3;
const MAX_HEADING = 80;

/**
 * Writes a diff as `diff -u` does: nothing is in it but what was read, so that no other reader of unified diffs sees more
 * files in a text than we did. Line numbers of the new side are counted, not kept.
 */
export function renderDiff(files: readonly FileDiff[]): string {
  return files.map(renderFile).join('');
}

function renderFile({ path, kind, hunks }: FileDiff): string {
  let shift = 0;
  const parts = hunks.map((hunk) => {
    const { text, grows } = renderHunk(hunk, shift);
    shift += grows;
    return text;
  });
  const before = kind === 'added' ? '/dev/null' : `a/${path}`;
  return `--- ${before}\n+++ ${kind === 'removed' ? '/dev/null' : `b/${path}`}\n${parts.join('')}`;
}

function renderHunk({ oldStart, lines, heading }: Hunk, shift: number): { text: string; grows: number } {
  const old = lines.filter(({ kind }) => kind !== '+').length;
  const now = lines.filter(({ kind }) => kind !== '-').length;
  // A side without lines names the line before it (POSIX diff, "Diff -u Output Format").
  const at = (start: number, count: number): string => `${count === 0 ? start - 1 : start},${count}`;
  const head = `@@ -${at(oldStart, old)} +${at(oldStart + shift, now)} @@${heading === '' ? '' : ` ${heading}`}\n`;
  return { text: head + lines.map(renderLine).join(''), grows: now - old };
}

function renderLine({ kind, text, endless }: DiffLine): string {
  return `${kind}${text}\n${endless === true ? '\\ No newline at end of file\n' : ''}`;
}

/** The change of one file between two texts; null: the file is not there. Two equal texts give null. */
export function diffOf(path: string, before: string | null, after: string | null): FileDiff | null {
  if (before === after) return null;
  const { hunks } = structuredPatch(path, path, before ?? '', after ?? '', undefined, undefined, { context: CONTEXT });
  const old = (before ?? '').split('\n');
  return {
    path,
    kind: before === null ? 'added' : after === null ? 'removed' : 'changed',
    hunks: hunks.map(({ oldStart, lines }) => ({
      oldStart,
      heading: headingAt(old, oldStart - 1),
      lines: linesOf(lines),
    })),
  };
}

function linesOf(lines: readonly string[]): DiffLine[] {
  return lines.flatMap((line, i): DiffLine[] => {
    if (line.startsWith('\\')) return [];
    const plain = { kind: line[0] as DiffLine['kind'], text: line.slice(1) };
    return [lines[i + 1]?.startsWith('\\') === true ? { ...plain, endless: true } : plain];
  });
}

/** The last line before a hunk that begins a function, as `diff -p` shows it (diffutils manual, "C Function Headings"). */
function headingAt(lines: readonly string[], at: number): string {
  const found = lines.slice(0, at).findLast((line) => /^[A-Za-z_$]/.test(line));
  return found?.slice(0, MAX_HEADING).trimEnd() ?? '';
}

/**
 * What a person reviews of a change, as one word: paths and lines, without line numbers. Two kernels whose changes have the
 * same key share one review.
 */
export function reviewKey(files: readonly FileDiff[]): string {
  const plain = files
    .map(({ path, kind, hunks }) => ({ path, kind, hunks: hunks.map(({ lines }) => lines) }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(plain)).digest('hex');
}
