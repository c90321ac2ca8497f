import { basename } from 'node:path';
import type { HunkFinding, SourceFinding } from '#domain';
import type { FileDiff } from './diff.ts';
import { type Located, locate } from './locate.ts';
import { linesOf, textOf } from './text.ts';

/** Files whose text no kernel runs: their hunks say nothing of a fix. */
const NO_CODE = /^(?:Documentation\/|LICENSES\/|MAINTAINERS$|CREDITS$|tools\/testing\/|samples\/)/;

/** The source of a kernel, as far as a fix is concerned. */
export interface SourceTexts {
  /** Text of a file; undefined where there is none. */
  read(path: string): Promise<string | undefined>;
  /** Files with this last part of a path. */
  named(name: string): readonly string[];
}

/** What a fix makes of a source: the finding, and for a fix that fits, each changed file before and after. */
export interface Presence {
  readonly finding: SourceFinding;
  /** By its path here. `before` null: the fix adds the file. Null when the fix does not fit as a whole. */
  readonly changed: ReadonlyMap<string, { readonly before: string | null; readonly after: string }> | null;
  /** Files of the fix that are code, by their names here. */
  readonly paths: readonly string[];
}

/**
 * Holds a fix against a source: exact first (backwards = fixed, forwards = vulnerable), then with context that drifted.
 * A file that is not there is looked for under another path, and taken when exactly one file fits every hunk.
 */
export async function presenceOf(files: readonly FileDiff[], source: SourceTexts): Promise<Presence> {
  const hunks: HunkFinding[] = [];
  const renamed: Record<string, string> = {};
  const paths: string[] = [];
  const changed = new Map<string, { before: string | null; after: string }>();
  let fits = true;
  for (const file of files.filter(({ path }) => !NO_CODE.test(path))) {
    const found = await fileIn(file, source);
    hunks.push(...found.hunks.map(({ path, line, state, how, at }) => ({ path, line, state, how, at })));
    if (found.path !== file.path) renamed[file.path] = found.path;
    paths.push(found.path);
    if (found.after === null) fits = false;
    else changed.set(found.path, { before: found.before, after: found.after });
  }
  const finding = { outcome: outcomeOf(hunks), hunks, renamed };
  return { finding, changed: fits && finding.outcome === 'vulnerable' ? changed : null, paths };
}

/** The same for several fixes, one after the other: each is held against what the ones before it leave. */
export async function presenceOfAll(fixes: readonly (readonly FileDiff[])[], source: SourceTexts): Promise<Presence> {
  const texts = new Map<string, { before: string | null; after: string }>();
  const after: SourceTexts = { ...source, read: async (path) => texts.get(path)?.after ?? source.read(path) };
  const parts: Presence[] = [];
  for (const files of fixes) {
    const part = await presenceOf(files, after);
    parts.push(part);
    for (const [path, text] of part.changed ?? [])
      texts.set(path, { before: texts.has(path) ? texts.get(path)!.before : text.before, after: text.after });
  }
  const hunks = parts.flatMap(({ finding }) => finding.hunks);
  const outcome = outcomeOf(hunks);
  const renamed = Object.assign({}, ...parts.map(({ finding }) => finding.renamed)) as Record<string, string>;
  const fits = outcome === 'vulnerable' && parts.every(({ changed }) => changed !== null);
  const paths = [...new Set(parts.flatMap((part) => part.paths))];
  return { finding: { outcome, hunks, renamed }, changed: fits ? texts : null, paths };
}

function outcomeOf(hunks: readonly HunkFinding[]): SourceFinding['outcome'] {
  const states = new Set(hunks.map(({ state }) => state));
  if (states.size === 0 || states.has('unclear')) return 'unclear';
  if (states.size === 2) return 'partly-fixed';
  return states.has('fixed') ? 'fixed' : 'vulnerable';
}

interface FileFound {
  readonly path: string;
  readonly hunks: readonly Located[];
  readonly before: string | null;
  /** Null when the fix does not fit this file. */
  readonly after: string | null;
}

async function fileIn(file: FileDiff, source: SourceTexts): Promise<FileFound> {
  const text = await source.read(file.path);
  if (file.kind === 'added') return addedIn(file, text);
  if (file.kind === 'removed') return whole(file, text === undefined ? 'fixed' : 'unclear', null);
  if (text !== undefined) return inText(file, file.path, text);
  const fitting: FileFound[] = [];
  for (const path of source.named(basename(file.path))) {
    const candidate = inText(file, path, (await source.read(path)) ?? '');
    if (candidate.hunks.every(({ state }) => state !== 'unclear')) fitting.push(candidate);
  }
  const [only, ...others] = fitting;
  return only !== undefined && others.length === 0 ? only : whole(file, 'unclear', null);
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
  return { path, hunks: found, before: text, after: applied(file, lines, found) };
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
