import { type CveId, compareCveIds, type PatchOrigin, type PatchVersion, patchNameOf } from '#domain';
import { type Composed, type ComposePart, type FixSource, PatchError, readPatchFile } from '#patch';
import { findPatch, needPatch, newestVersion, patchVersions, type Store } from '#store';
import { type ComposePlace, composeFor, fetchParts, partOfPatch, refuseNotAffected, type TakenFix } from './change.ts';

/**
 * What a livepatch is made of: the fixes of CVEs, `with` other commits that they need; a patch that was opened under a name;
 * or a change of our own. Where the patch of just these CVEs was opened, its newest version is taken, and no source is asked.
 */
export type LivepatchInput =
  | {
      readonly cves: readonly CveId[];
      readonly fixes: () => Promise<FixSource>;
      readonly with?: readonly string[] | undefined;
    }
  | { readonly opened: string }
  | { readonly patchFile: string };

/** The change that is built. */
export interface Change {
  readonly text: string;
  readonly where: string;
  readonly cves: readonly CveId[];
  readonly commits: readonly string[];
  readonly steps: Composed['steps'];
  readonly taken: readonly TakenFix[];
  readonly parts: readonly ComposePart[];
  /** Source of the fixes; null: none was asked. */
  readonly fixes: FixSource | null;
  /** Version of an opened patch that it is; null: it was not opened. */
  readonly version: PatchVersion | null;
}

/** Errors: those of `fetchParts` and `composeFor`; edit-unfinished, patch-opened, not-found. */
export async function changeFor(place: ComposePlace, input: LivepatchInput): Promise<Change> {
  if ('patchFile' in input) {
    const parts = [partOfPatch(await readPatchFile(input.patchFile), input.patchFile)];
    const { text, steps } = await composeFor(place, parts);
    return { ...NOTHING, text, where: input.patchFile, steps, parts };
  }
  if ('opened' in input) return openedChange(place, input.opened);
  const cves = [...new Set(input.cves)].toSorted(compareCveIds);
  const { store, kernel } = place;
  const more = input.with ?? [];
  if ((await findPatch(store.db, kernel.id, patchNameOf(cves))) !== undefined) {
    if (more.length > 0) throw opened(patchNameOf(cves));
    return openedChange(place, patchNameOf(cves));
  }
  const fixes = await input.fixes();
  const { parts, taken } = await fetchParts(store, kernel, cves, fixes, more);
  const { text, steps } = await composeFor({ ...place, fixes }, parts);
  const commits = steps.flatMap(({ commit }) => commit ?? []);
  const where = steps.length === 1 ? steps[0]!.where : fixes.address;
  return { text, where, cves, commits, steps, taken, parts, fixes, version: null };
}

const NOTHING = { cves: [], commits: [], taken: [], fixes: null, version: null };

/** The newest version, laid against the source again: the tree may be another one than it was made for. */
async function openedChange(place: ComposePlace, name: string): Promise<Change> {
  const { store, kernel } = place;
  const patch = await needPatch(store.db, kernel.id, name);
  const version = await newestVersion(store.db, patch.id);
  if (version === undefined) throw unfinished(name);
  for (const cve of patch.cves) await refuseNotAffected(store, kernel, cve);
  const where = `version ${version.number} of patch ${name}`;
  const parts = [partOfPatch(version.text, where)];
  const { text, steps } = await composeFor(place, parts);
  const commits = await commitsOf(store, patch.id);
  return { ...NOTHING, text, where, cves: patch.cves, commits, steps, parts, version };
}

/** Commits of the last version that was composed of fixes: edits began there. */
async function commitsOf(store: Store, patchId: string): Promise<string[]> {
  const origins = (await patchVersions(store.db, patchId)).map(({ origin }) => origin);
  const last = origins.findLast((origin): origin is PatchOrigin & { kind: 'fixes' } => origin.kind === 'fixes');
  return last?.commits.map(({ commit }) => commit).filter((commit) => commit !== '') ?? [];
}

function unfinished(name: string): PatchError {
  return new PatchError('edit-unfinished', 'input', {
    what: 'the patch was opened, does not fit by itself, and nobody has joined it by hand yet',
    where: name,
    remedy: 'store what becomes of it with "tuxtape patch edit"',
  });
}

function opened(name: string): PatchError {
  return new PatchError('patch-opened', 'input', {
    what: 'the patch of these CVEs was opened, and its newest version is what is built: --with adds nothing to it',
    where: name,
    remedy: 'leave --with out; open the patch again with it, or edit it',
  });
}
