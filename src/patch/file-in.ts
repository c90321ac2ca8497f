import { basename } from 'node:path';
import type { HunkFinding } from '#domain';
import type { FileDiff } from './diff.ts';
import { type Located, locate } from './locate.ts';
import { MAX_CANDIDATES, mostTelling, sameKind } from './renames.ts';
import { linesOf, textOf } from './text.ts';

/** The source of a kernel, as far as a fix is concerned. */
export interface SourceTexts {
  /** Text of a file; undefined where there is none. */
  read(path: string): Promise<string | undefined>;
  /** Files with this last part of a path. */
  named(name: string): readonly string[];
  /**
   * Files whose name ends like `path` and in which one of these lines stands, word for word; null when that cannot be
   * told. Absent: names alone are searched.
   */
  holding?(lines: readonly string[], path: string): Promise<readonly string[] | null>;
}

/** What a fix makes of one file of a source. */
export interface FileFound {
  readonly path: string;
  readonly hunks: readonly Located[];
  readonly before: string | null;
  /** Null when the fix does not fit this file. */
  readonly after: string | null;
}

/**
 * Holds the fix of one file against a source. A file that is not there is taken under another name when every hunk stands
 * in exactly one file: of its last name, in either form; of any name, before the fix and in the function the patch names.
 */
export async function fileIn(file: FileDiff, source: SourceTexts): Promise<FileFound> {
  const text = await source.read(file.path);
  if (file.kind === 'added') return addedIn(file, text);
  if (file.kind === 'removed') return whole(file, text === undefined ? 'fixed' : 'unclear', null);
  if (text !== undefined) return inText(file, file.path, text);
  const lost = whole(file, 'unclear', null);
  const [own, ...others] = await fitting(file, source, source.named(basename(file.path)));
  if (others.length > 0) return lost;
  const lines = mostTelling(file);
  if (source.holding === undefined || lines.length === 0) return own ?? lost;
  const holders = await source.holding(lines, file.path);
  if (holders === null || holders.length > MAX_CANDIDATES) return lost;
  const wide = holders.filter((path) => path !== own?.path && sameKind(file.path, path));
  const [other, ...more] = (await fitting(file, source, wide)).filter(({ hunks }) => hunks.every(isPlaced));
  if (own !== undefined) return other === undefined ? own : lost;
  return other !== undefined && more.length === 0 && other.after !== null ? other : lost;
}

function isPlaced({ at }: Located): boolean {
  return at !== null;
}

async function fitting(file: FileDiff, source: SourceTexts, paths: readonly string[]): Promise<FileFound[]> {
  const found: FileFound[] = [];
  for (const path of paths) {
    const candidate = inText(file, path, (await source.read(path)) ?? '');
    if (candidate.hunks.every(({ state }) => state !== 'unclear')) found.push(candidate);
  }
  return found;
}

function addedIn(file: FileDiff, text: string | undefined): FileFound {
  const after = textOf(file.hunks.flatMap(({ lines }) => lines.map((line) => line.text)));
  if (text === undefined) return whole(file, 'vulnerable', after);
  return whole(file, text === after ? 'fixed' : 'unclear', null);
}

function whole(file: FileDiff, state: HunkFinding['state'], after: string | null): FileFound {
  const how = state === 'unclear' ? 'none' : 'exact';
  const hunk: Located = { path: file.path, line: 1, state, how, at: null, trimmed: [0, 0] };
  return { path: file.path, hunks: [hunk], before: null, after };
}

function inText(file: FileDiff, path: string, text: string): FileFound {
  const lines = linesOf(text);
  const found: Located[] = [];
  let shift = 0;
  for (const hunk of file.hunks) {
    const located = locate(file.path, lines, hunk, shift);
    found.push(located);
    if (located.at !== null) shift = located.at - 1 - located.trimmed[0] - (hunk.oldStart - 1);
  }
  const hunks = inOrder(file, found);
  return { path, hunks, before: text, after: applied(file, lines, hunks) };
}

/** Hunks of a file follow each other. Two that are said to be fixed in one place are one too many: neither is believed. */
function inOrder(file: FileDiff, found: readonly Located[]): Located[] {
  let end = 0;
  let lost = false;
  for (const [i, { state, at, trimmed }] of found.entries()) {
    if (state !== 'fixed' || at === null) continue;
    if (at < end) lost = true;
    const length = file.hunks[i]!.lines.filter(({ kind }) => kind !== '-').length - trimmed[0] - trimmed[1];
    const context = contextAtEnd(file.hunks[i]!, trimmed[1]);
    end = at + length - context;
  }
  if (!lost) return [...found];
  return found.map((hunk) => (hunk.state === 'fixed' ? { ...hunk, state: 'unclear', how: 'none', at: null } : hunk));
}

/** Lines of context that the next hunk may begin with, too. */
function contextAtEnd({ lines }: FileDiff['hunks'][number], trimmed: number): number {
  return Math.max(0, lines.length - 1 - lines.findLastIndex(({ kind }) => kind !== ' ') - trimmed);
}

/** The file after the fix; null unless every hunk stands there in its form before it, one after the other. */
function applied(file: FileDiff, lines: readonly string[], found: readonly Located[]): string | null {
  const result: string[] = [];
  let done = 0;
  for (const [i, { state, at, trimmed }] of found.entries()) {
    if (state !== 'vulnerable' || at === null || at - 1 < done) return null;
    const kept = file.hunks[i]!.lines.slice(trimmed[0], file.hunks[i]!.lines.length - trimmed[1]);
    result.push(...lines.slice(done, at - 1));
    result.push(...kept.filter(({ kind }) => kind !== '-').map(({ text }) => text));
    done = at - 1 + kept.filter(({ kind }) => kind !== '+').length;
  }
  return textOf([...result, ...lines.slice(done)]);
}
