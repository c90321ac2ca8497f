import type { HunkCondition, HunkFinding, SourceFinding } from '#domain';
import { isCode } from './code-files.ts';
import { conditionsOf } from './conditions.ts';
import type { ConditionSetting } from './config-expression.ts';
import type { FileDiff } from './diff.ts';
import { type FileFound, fileIn, type SourceTexts } from './file-in.ts';
import { functionAt, functionBodies } from './functions.ts';
import { changedLines } from './hunk-lines.ts';

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
 * A file that is not there is looked for under another path (`fileIn`). With a setting, the conditions around each hunk
 * are held against it.
 */
export async function presenceOf(
  files: readonly FileDiff[],
  source: SourceTexts,
  setting: (path: string) => ConditionSetting | null = () => null,
): Promise<Presence> {
  const hunks: HunkFinding[] = [];
  const renamed: Record<string, string> = {};
  const paths: string[] = [];
  const changed = new Map<string, { before: string | null; after: string }>();
  let fits = true;
  for (const file of files.filter(({ path }) => isCode(path))) {
    const found = await fileIn(file, source);
    hunks.push(...lookedInto(file, found, setting(found.path)));
    if (found.path !== file.path) renamed[file.path] = found.path;
    paths.push(found.path);
    if (found.after === null) fits = false;
    else changed.set(found.path, { before: found.before, after: found.after });
  }
  const finding = { outcome: outcomeOf(hunks), hunks, renamed };
  return { finding, changed: fits && finding.outcome === 'vulnerable' ? changed : null, paths };
}

/** The same for several fixes, one after the other: each is held against what the ones before it leave. */
export async function presenceOfAll(
  fixes: readonly (readonly FileDiff[])[],
  source: SourceTexts,
  setting: (path: string) => ConditionSetting | null = () => null,
): Promise<Presence> {
  const texts = new Map<string, { before: string | null; after: string }>();
  const after: SourceTexts = { ...source, read: async (path) => texts.get(path)?.after ?? source.read(path) };
  const parts: Presence[] = [];
  for (const files of fixes) {
    const part = await presenceOf(files, after, setting);
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

/** Findings of a file's hunks, with the conditions around them and the functions they change. */
function lookedInto(file: FileDiff, found: FileFound, setting: ConditionSetting | null): HunkFinding[] {
  const { before, after, hunks } = found;
  const plain = hunks.map(({ path, line, state, how, at }) => ({ path, line, state, how, at }));
  if (before === null || plain.every(({ at }) => at === null)) return plain;
  const changed = changedLines(file, hunks, after !== null);
  const conditions: (HunkCondition | null)[] =
    setting === null ? [] : conditionsOf(found.path, { before, after }, changed, setting);
  const bodies = /\.[ch]$/.test(found.path) ? functionBodies(before) : [];
  return plain.map((hunk, i) => {
    const lines = changed[i]?.around ?? [];
    const functions = [...new Set(lines.flatMap((line) => functionAt(bodies, line)?.names ?? []))];
    return { ...hunk, condition: conditions[i] ?? null, functions };
  });
}
