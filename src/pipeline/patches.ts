import {
  type CveId,
  compareCveIds,
  isPatchName,
  type KernelPatch,
  type PatchCommit,
  type PatchOrigin,
  type PatchVersion,
  patchNameOf,
} from '#domain';
import { type Clock, sha256 } from '#host';
import {
  type Composed,
  diffOf,
  type FixSource,
  PatchError,
  parseDiff,
  readPatchFile,
  refuseBuildFiles,
  renderDiff,
} from '#patch';
import {
  addVersion,
  ensurePatch,
  needKernel,
  needPatch,
  newestVersion,
  patchesOfReview,
  patchVersions,
  type SharedReview,
  type Store,
  setCommits,
} from '#store';
import { composeFor, fetchParts, type TakenFix } from './change.ts';
import { partOfPatch } from './opened.ts';
import { patchPlace } from './patch-place.ts';

/** Which patch of a kernel: that of a set of CVEs, or one under a name. */
export type PatchKey = { readonly cves: readonly CveId[] } | { readonly name: string };

export interface OpenPatchOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly kernel: string;
  readonly key: PatchKey;
  /** Where its change comes from: fixes of its CVEs with other commits they need, a file of a person, or null: only what is stored. */
  readonly from:
    | { readonly fixes: () => Promise<FixSource>; readonly with: readonly string[] }
    | { readonly patchFile: string }
    | null;
  readonly by: string;
}

export interface OpenedPatch {
  readonly patch: KernelPatch;
  /** Null: the change does not fit, and nobody has joined it by hand yet. */
  readonly version: PatchVersion | null;
  /** This opening stored the version. */
  readonly isNew: boolean;
  /** `changed`: the fixes give another change now than the edits were made from; `unknown`: they were not looked at. */
  readonly upstream: 'same' | 'changed' | 'conflict' | 'unknown';
  /** What was composed now; null: nothing. With markers in it where it is unfinished. */
  readonly composed: Composed | null;
  readonly taken: readonly TakenFix[];
}

/** Errors: patch-name-invalid. */
export function nameOfKey(key: PatchKey): string {
  if ('cves' in key) return patchNameOf([...new Set(key.cves)].toSorted(compareCveIds));
  if (isPatchName(key.name)) return key.name;
  throw new PatchError('patch-name-invalid', 'input', {
    what: `${JSON.stringify(key.name.slice(0, 80))} is no name of a patch`,
    remedy: 'letters, digits, dots and dashes, at most 64; CVEs are given with --cve',
  });
}

/**
 * Opens the patch of a kernel: composes its change and stores it as the first version, or gives the newest one. What a person
 * edited is never replaced: where the fixes give another change now, that is only said. A change that does not fit by itself
 * comes back between markers, for a person to join. Errors: those of `composeFor` but conflicts; not-found.
 */
export async function openPatch(options: OpenPatchOptions): Promise<OpenedPatch> {
  const { store, clock, from } = options;
  const { db } = store;
  const name = nameOfKey(options.key);
  const kernel = await needKernel(db, options.kernel);
  if (from === null) {
    const patch = await needPatch(db, kernel.id, name);
    const version = (await newestVersion(db, patch.id)) ?? null;
    return { patch, version, isNew: false, upstream: 'unknown', composed: null, taken: [] };
  }
  const { composed, origin, taken, commits } = await compose(options, from);
  const cves = 'cves' in options.key ? [...new Set(options.key.cves)].toSorted(compareCveIds) : [];
  const patch = await ensurePatch(db, { kernelId: kernel.id, name, cves, commits }, clock.now());
  const versions = await patchVersions(db, patch.id);
  const newest = versions.at(-1) ?? null;
  const opened = { patch, composed, taken };
  if (composed.unfinished) return { ...opened, version: newest, isNew: false, upstream: 'conflict' };
  const hash = sha256(composed.text);
  const last = versions.findLast(({ origin: { kind } }) => kind !== 'edit');
  if (last?.sha256 === hash) return { ...opened, version: newest, isNew: false, upstream: 'same' };
  if (newest?.origin.kind === 'edit') return { ...opened, version: newest, isNew: false, upstream: 'changed' };
  const note = newest === null ? 'opened' : 'opened again: its source gives another change now';
  const made = { sha256: hash, base: newest?.sha256 ?? null, text: composed.text, reviewKey: composed.reviewKey };
  const version = await addVersion(db, patch, { ...made, origin, author: options.by, note }, clock.now());
  if (newest !== null) await setCommits(db, patch.id, commits);
  return { ...opened, version, isNew: true, upstream: 'same' };
}

/** What is stored of a composition. */
interface Opening {
  readonly composed: Composed;
  readonly origin: PatchOrigin;
  readonly commits: readonly PatchCommit[];
  readonly taken: readonly TakenFix[];
}

async function compose(
  { store, kernel, key }: OpenPatchOptions,
  from: NonNullable<OpenPatchOptions['from']>,
): Promise<Opening> {
  const place = await patchPlace(store, kernel, null);
  if ('patchFile' in from) {
    const parts = [partOfPatch(await readPatchFile(from.patchFile), from.patchFile)];
    const composed = guarded(await composeFor(place, parts, 'mark'), kernel);
    return { composed, origin: { kind: 'file', where: from.patchFile }, commits: [], taken: [] };
  }
  const { parts, taken, fixes } = await fetchParts(place, 'cves' in key ? key.cves : [], from.fixes, from.with);
  const composed = guarded(await composeFor({ ...place, fixes }, parts, 'mark'), kernel);
  const commits = composed.steps.map(({ commit, version, cves, where, state, fit }) => {
    return { commit: commit ?? '', version, cves, where, how: fit?.how ?? state };
  });
  return {
    composed,
    origin: { kind: 'fixes', commits },
    commits: commits.filter(({ commit }) => commit !== ''),
    taken,
  };
}

/** Before anything of it is stored, or shown as a change. Errors: patch-touches-build. */
function guarded(composed: Composed, where: string): Composed {
  if (!composed.unfinished) refuseBuildFiles(parseDiff(composed.text, where), where);
  return composed;
}

/** All versions, oldest first, and the patches of other kernels that are the same change. Errors: not-found. */
export async function patchHistory(
  store: Store,
  kernelName: string,
  key: PatchKey,
): Promise<{ patch: KernelPatch; versions: readonly PatchVersion[]; shared: readonly SharedReview[] }> {
  const kernel = await needKernel(store.db, kernelName);
  const patch = await needPatch(store.db, kernel.id, nameOfKey(key));
  const versions = await patchVersions(store.db, patch.id);
  const newest = versions.at(-1);
  const same = newest === undefined ? [] : await patchesOfReview(store.db, newest.reviewKey);
  return { patch, versions, shared: same.filter((one) => one.kernelId !== kernel.id || one.name !== patch.name) };
}

/** What changed between two versions, as a unified diff of their texts; empty: nothing. Errors: not-found, version-invalid. */
export async function patchDiff(
  store: Store,
  kernelName: string,
  key: PatchKey,
  { from, to }: { readonly from?: number | undefined; readonly to?: number | undefined },
): Promise<{ from: number; to: number; text: string }> {
  const { patch, versions } = await patchHistory(store, kernelName, key);
  const newest = versions.at(-1)?.number ?? 0;
  const [last, first] = [to ?? newest, from ?? Math.max(1, (to ?? newest) - 1)];
  const [before, after] = [first, last].map((wanted) => versions.find(({ number }) => number === wanted));
  if (before === undefined || after === undefined)
    throw new PatchError('patch-version-unknown', 'input', {
      what: `the patch has ${newest === 0 ? 'no version yet' : `versions 1 to ${newest}`}`,
      where: patch.name,
      remedy: '"tuxtape patch history" lists them',
    });
  const file = diffOf('change.patch', before.text, after.text);
  return { from: first, to: last, text: file === null ? '' : renderDiff([file]) };
}
