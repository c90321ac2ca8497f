import type { CveId } from '#domain';
import type { Fit } from '../apply.ts';
import { PatchError } from '../error.ts';
import type { SourceTexts } from '../file-in.ts';
import { presenceOf } from '../presence.ts';
import { diffOf, renderDiff, reviewKey } from '../render.ts';
import { conflictOf } from './conflict.ts';
import { type Moved, moveFiles } from './move.ts';
import type { ComposeOptions } from './options.ts';
import { type ComposePart, type ComposeStep, planSteps } from './steps.ts';
import { mergeStep } from './three-way.ts';
import { readNow, tryStep } from './try-step.ts';

/** What became of one commit. */
export interface ComposedStep {
  readonly commit: string | null;
  readonly version: string;
  readonly cves: readonly CveId[];
  readonly where: string;
  /** `in-source`: the kernel's source has it. `in-others`: what the steps before it left has it. */
  readonly state: 'applied' | 'in-source' | 'in-others';
  /** Null where nothing was to be applied. */
  readonly fit: Fit | null;
  readonly moved: Moved;
  /** Files of it that no kernel runs (documentation, tests): they are not part of the change. */
  readonly leftOut: readonly string[];
}

/** One change against the pristine source. */
export interface Composed {
  /** Unified diff, by path; the same for the same parts in any order. */
  readonly text: string;
  readonly paths: readonly string[];
  readonly reviewKey: string;
  readonly steps: readonly ComposedStep[];
  /** What became of the files, a character a byte; null: it is not there. With markers in them, they are for a person only. */
  readonly files: ReadonlyMap<string, { readonly before: string | null; readonly after: string | null }>;
  /** A step was left between markers: this is no change to build. */
  readonly unfinished: boolean;
}

/** Files as they stand after the steps so far. */
interface State {
  readonly texts: Map<string, string | null>;
  readonly steps: ComposedStep[];
  readonly applied: ComposeStep[];
}

/**
 * Makes one change of the fixes of several CVEs: each is applied to what the ones before it left, exactly where that is
 * possible, else with fuzz, else by a merge, which is reported. Nothing but the files they touch is copied. To take a CVE back, compose the
 * others again. Errors: patches-conflict, naming both CVEs; patch-does-not-apply; already-fixed, when nothing is left to do;
 * those of `planSteps`.
 */
export async function composePatch(parts: readonly ComposePart[], options: ComposeOptions): Promise<Composed> {
  const state: State = { texts: new Map(), steps: [], applied: [] };
  let left = planSteps(parts);
  while (left.length > 0) {
    const next = (await firstThatFits(left, state, options)) ?? (await firstThatMerges(left, state, options));
    left = left.filter((step) => step !== next);
  }
  return finish(state, options);
}

/** In their order, all exactly first: a step may need one that comes after it by its date. */
async function firstThatFits(
  left: readonly ComposeStep[],
  state: State,
  options: ComposeOptions,
): Promise<ComposeStep | null> {
  for (const fuzz of [false, true]) for (const step of left) if (await take(step, state, options, fuzz)) return step;
  return null;
}

/** The first that merges without a conflict; else the first, with markers where that is allowed. */
async function firstThatMerges(
  left: readonly ComposeStep[],
  state: State,
  options: ComposeOptions,
): Promise<ComposeStep> {
  for (const step of left) if (await merge(step, state, options, false)) return step;
  const [first] = left;
  if (options.conflicts !== 'mark') throw await conflictOf(first!, state.applied, options);
  await merge(first!, state, options, true);
  return first!;
}

async function merge(given: ComposeStep, state: State, options: ComposeOptions, mark: boolean): Promise<boolean> {
  const { step, merged } = await mergeStep(given, state.texts, options);
  const clean = merged.every(({ conflicts, known }) => conflicts === 0 && known);
  if (!clean && !mark) return false;
  for (const { path, text } of merged) state.texts.set(path, text);
  state.applied.push(step);
  const { commit, version, cves, where, leftOut } = given;
  const { moved } = await moveFiles(given, state.texts, options);
  const remarks = merged.map(({ path, conflicts, known }) =>
    known && conflicts === 0 ? `${path}: merged` : `${path}: ${conflicts} conflicts, to be looked at`,
  );
  const fit: Fit = { how: clean ? 'three-way' : 'marked', remarks };
  state.steps.push({ commit, version, cves, where, leftOut, moved, state: 'applied', fit });
  return true;
}

async function take(given: ComposeStep, state: State, options: ComposeOptions, fuzz: boolean): Promise<boolean> {
  const { files, moved } = await moveFiles(given, state.texts, options);
  const step = { ...given, files };
  const { commit, version, cves, where, leftOut } = given;
  const about = { commit, version, cves, where, leftOut, moved };
  const { source } = options;
  const now: SourceTexts = { ...source, read: (path) => readNow(state.texts, source, path) };
  const { finding } = await presenceOf(files, now);
  if (finding.outcome === 'fixed') {
    const untouched = files.every(({ path }) => !state.texts.has(path));
    const was = untouched || (await presenceOf(files, source)).finding.outcome === 'fixed';
    state.steps.push({ ...about, state: was ? 'in-source' : 'in-others', fit: null });
    return true;
  }
  const result = await tryStep(files, state.texts, options, fuzz);
  if (result.texts === null) return false;
  for (const [path, text] of result.texts) state.texts.set(path, text);
  state.applied.push(step);
  const fit = { how: result.how, remarks: result.remarks };
  state.steps.push({ ...about, state: 'applied', fit });
  return true;
}

async function finish({ texts, steps }: State, { source }: ComposeOptions): Promise<Composed> {
  const changed = new Map<string, { before: string | null; after: string | null }>();
  for (const path of [...texts.keys()].toSorted())
    changed.set(path, { before: (await source.read(path)) ?? null, after: texts.get(path) ?? null });
  return {
    ...changeBetween(changed, steps.map(({ where }) => where).join(', ')),
    steps,
    unfinished: isUnfinished(steps),
  };
}

function isUnfinished(steps: readonly ComposedStep[]): boolean {
  return steps.some(({ fit }) => fit?.how === 'marked');
}

/**
 * The change between the source and what became of its files. Errors: already-fixed, when there is none; patch-unsupported,
 * when it cannot be told in UTF-8.
 */
export function changeBetween(
  changed: Composed['files'],
  where: string,
): Pick<Composed, 'text' | 'paths' | 'reviewKey' | 'files'> {
  const files = [...changed].flatMap(([path, { before, after }]) => diffOf(path, before, after) ?? []);
  if (files.length === 0)
    throw new PatchError('already-fixed', 'input', {
      what: 'the change is in this source already',
      where,
      remedy: 'nothing is to be done for this kernel; its version number only does not say so',
    });
  const bytes = Buffer.from(renderDiff(files), 'latin1');
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes))
    throw new PatchError('patch-unsupported', 'patch', {
      what: 'the lines that change, or those around them, are not UTF-8, and would not reach the compiler as they are',
      where: files.map(({ path }) => path).join(', '),
      remedy: 'make a smaller change by hand that keeps away from these lines',
    });
  return { text, paths: files.map(({ path }) => path), reviewKey: reviewKey(files), files: changed };
}
