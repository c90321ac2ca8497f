import { type CveId, type CveRecord, type ObjectFinding, type Profile, type Proof } from '#domain';
import { type Clock, sha256 } from '#host';
import {
  type ConditionSetting,
  compareObjects,
  type FixSource,
  fetchBranchFixes,
  knownMoves,
  namesInHistory,
  PatchError,
  type Presence,
  parseDiff,
  presenceOfAll,
} from '#patch';
import { getCves, type KernelRow, listVerdicts, putProof, type Store, StoreError } from '#store';
import { findFile } from '#triage';
import { isExcluded } from './config-scope.ts';
import { settingOf } from './kernel-texts.ts';
import { makeReaders, type ProveSubject, proveSubject } from './prove-subject.ts';
import { triageKernel } from './triage.ts';
import { proverHash } from './triage-inputs.ts';

export interface ProveOptions {
  readonly store: Store;
  readonly kernel: KernelRow;
  readonly fixes: FixSource;
  /** These CVEs; undefined = all that affect the kernel or may, by verdicts that are decided first where they are due. */
  readonly cves?: readonly CveId[] | undefined;
  readonly jobs: number;
  /** A fix that more objects read is not compiled. */
  readonly maxObjects: number;
  readonly clock: Clock;
  /** Seconds after which a host's list of modules says nothing any more. */
  readonly hostListSeconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress: (done: number, total: number, note: string) => void;
}

/** What came of one CVE: its proof, or why there is none (a fix that is missing or that cannot be read). */
export type ProveOutcome =
  | { readonly cve: CveId; readonly proof: Proof }
  | { readonly cve: CveId; readonly proof: null; readonly code: string; readonly why: string };

/** So many fixes are held against the source before objects are made and compared, and what was found is stored. */
const FIXES_AT_ONCE = 64;

/**
 * Holds the fix of each CVE against the source of a kernel, compiles the objects that it changes with and without it,
 * stores what was found, and decides anew. The source is only read; a tree that was never built is given the objects that
 * are needed. A kill leaves what was proved before. Errors: those of `proveSubject`, `compareObjects` and the source of fixes;
 * not-found, when no CVE was read yet.
 */
export async function proveKernel(options: ProveOptions): Promise<ProveOutcome[]> {
  const { store, kernel, clock } = options;
  const subject = await proveSubject(store, kernel);
  const records = await recordsOf(options);
  const outcomes: ProveOutcome[] = [];
  for (let start = 0; start < records.length; start += FIXES_AT_ONCE) {
    const held: Held[] = [];
    for (const record of records.slice(start, start + FIXES_AT_ONCE)) held.push(await hold(options, subject, record));
    await makeMissing(options, subject, held, outcomes.length, records.length);
    for (const one of held) {
      options.onProgress(outcomes.length, records.length, one.record.id);
      const outcome = await proveOne(options, subject, one);
      if (outcome.proof !== null) await putProof(store.db, kernel.id, outcome.cve, outcome.proof, clock.now());
      outcomes.push(outcome);
    }
  }
  await triageKernel({ store, kernel, clock, hostListSeconds: options.hostListSeconds });
  return outcomes;
}

async function recordsOf(options: ProveOptions): Promise<CveRecord[]> {
  const ids = options.cves ?? (await openCves(options));
  return (await getCves(options.store.db, ids)).map(({ record }) => record);
}

/** What was never decided, or not since it was read, would be left out without a word. */
async function openCves(options: ProveOptions): Promise<CveId[]> {
  const { store, kernel } = options;
  const decided = await triageKernel(options);
  if (decided.length === 0)
    throw new StoreError('not-found', 'input', { what: 'no CVE was read yet', remedy: 'run "tuxtape feed sync"' });
  const open: CveId[] = [];
  for (const status of ['affected', 'under_investigation'] as const)
    for (const { verdict } of await listVerdicts(store.db, kernel.id, { status, limit: 0 })) open.push(verdict.cve);
  return open;
}

/** Paths that this source does not have, under the names that history or the list of moves give them. */
async function movedPaths(
  { history }: FixSource,
  commit: string,
  paths: readonly string[],
  { sources }: Profile,
): Promise<NonNullable<Proof['source']['moved']>> {
  const moved: Record<string, { to: string; how: 'history' | 'table' }> = {};
  for (const path of paths.filter((each) => !sources.has(each))) {
    const listed = knownMoves(path).find((to) => sources.has(to));
    const names = history === null ? [] : await namesInHistory(history, commit, path);
    const told = names.find((to) => sources.has(to));
    if (told !== undefined) moved[path] = { to: told, how: 'history' };
    else if (listed !== undefined) moved[path] = { to: listed, how: 'table' };
  }
  return moved;
}

/** A fix held against the source, or why it could not be. */
type Held = { readonly record: CveRecord } & (
  | {
      readonly looked: Proof['fixes'];
      readonly files: Files;
      readonly presence: Presence;
      readonly setting: Setting | undefined;
    }
  | { readonly error: PatchError }
);

type Files = NonNullable<Proof['from']>['files'];
type Setting = (path: string) => ConditionSetting;

/** A fix that is missing, or that cannot be read, stops no other. */
async function hold(
  options: ProveOptions,
  { source, config, profile }: ProveSubject,
  record: CveRecord,
): Promise<Held> {
  try {
    const fixes = await fetchBranchFixes(record, options.kernel.version, options.fixes);
    const looked = fixes.map(({ commit, version, text }) => ({ commit, version, sha256: sha256(text) }));
    const files = Object.fromEntries(fixes.flatMap(({ commit, file }) => (file === null ? [] : [[commit, file]])));
    // Both texts as bytes: sources of the kernel are not all UTF-8.
    const diffs = fixes.map(({ text, where }) => parseDiff(Buffer.from(text).toString('latin1'), where));
    const setting = config === null ? undefined : settingOf(config, profile);
    return { record, looked, files, presence: await presenceOfAll(diffs, source, setting), setting };
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    return { record, error };
  }
}

async function makeMissing(
  options: ProveOptions,
  subject: ProveSubject,
  held: readonly Held[],
  done: number,
  total: number,
): Promise<void> {
  const { kernel, jobs, maxObjects, signal = new AbortController().signal } = options;
  const paths = held.flatMap((one): string[] => {
    const changed = 'presence' in one ? [...(one.presence.changed?.keys() ?? [])] : [];
    const readers = new Set(changed.flatMap((path) => subject.profile.files.get(path) ?? []));
    return readers.size <= maxObjects ? changed : [];
  });
  const onOutput = (text: string): void => options.onProgress(done, total, text.trim().split('\n').at(-1) ?? '');
  await makeReaders(subject, kernel, paths, { jobs, signal, onOutput });
}

async function proveOne(options: ProveOptions, subject: ProveSubject, held: Held): Promise<ProveOutcome> {
  const { record } = held;
  if ('error' in held) return { cve: record.id, proof: null, code: held.error.code, why: held.error.message };
  const { looked, files, presence, setting } = held;
  const { profile, source, build } = subject;
  const object = presence.changed === null ? null : await proveObjects(options, subject, presence);
  const excluded =
    build !== null && setting !== undefined && (await isExcluded(build, profile, presence, source, setting));
  const moved = await movedPaths(options.fixes, looked[0]!.commit, presence.paths, profile);
  const finding = { ...presence.finding, moved };
  const from = { directory: options.fixes.address, files };
  const proof = { fixes: looked, from, source: finding, paths: presence.paths, excluded, object, by: proverHash() };
  return { cve: record.id, proof };
}

/** What is not compiled into any object needs no proof; what cannot be traced to objects has none. */
async function proveObjects(
  options: ProveOptions,
  { profile, build, why }: ProveSubject,
  presence: Presence,
): Promise<ObjectFinding | null> {
  const { kernel, jobs, maxObjects, signal } = options;
  const findings = presence.paths.map((path) => findFile(path, profile, kernel.arch));
  if (findings.every(({ kind }) => kind === 'not-compiled')) return null;
  const lost = findings.find(({ kind }) => kind === 'undecided');
  if (lost?.kind === 'undecided') return undecided(`${lost.path}: ${lost.why}`);
  if (build === null) return undecided(why);
  const shared = presence.paths.find((path) => !readersAreKnown(profile, path));
  if (shared !== undefined) return undecided(`${shared}: without a build it is not known which objects read it`);
  const { toolchain } = kernel;
  const changed = presence.changed!;
  return compareObjects({ tree: build, toolchain, profile, changed, jobs, maxObjects, signal });
}

function undecided(why: string): ObjectFinding {
  return { outcome: 'undecided', why, objects: [] };
}

/** A build says which objects read a file; a prediction knows only what a source makes that nothing else reads. */
function readersAreKnown({ origin, predictions, unreadable }: Profile, path: string): boolean {
  return (
    (origin === 'build' && unreadable.length === 0) ||
    (origin === 'config' && path.endsWith('.c') && predictions.get(path)?.alone === true)
  );
}
