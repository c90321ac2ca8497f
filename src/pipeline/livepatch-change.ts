import { type CveId, compareCveIds, type PatchVersion, patchNameOf } from '#domain';
import { type Composed, type ComposePart, type FixSource, PatchError, readPatchFile } from '#patch';
import { needPatch } from '#store';
import { type ComposePlace, composeFor, fetchParts, refuseNotAffected, type TakenFix } from './change.ts';
import { type OpenedPart, openedPart, partOfPatch } from './opened.ts';

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
  /** Every opened patch in it. */
  readonly opened: readonly OpenedPart[];
}

/** Errors: those of `fetchParts` and `composeFor`; edit-unfinished, patch-opened, not-found. */
export async function changeFor(place: ComposePlace, input: LivepatchInput): Promise<Change> {
  if ('patchFile' in input) {
    const parts = [partOfPatch(await readPatchFile(input.patchFile), input.patchFile)];
    const { text, steps } = await composeFor(place, parts);
    return { ...NOTHING, text, where: input.patchFile, steps, parts };
  }
  const { store, kernel } = place;
  if ('opened' in input) {
    await needPatch(store.db, kernel.id, input.opened);
    return (await openedChange(place, input.opened))!;
  }
  const cves = [...new Set(input.cves)].toSorted(compareCveIds);
  const more = input.with ?? [];
  const opened = await openedChange(place, patchNameOf(cves));
  if (opened !== null) {
    if (more.length > 0) throw alreadyOpened(patchNameOf(cves));
    return opened;
  }
  const fetched = await fetchParts(place, cves, input.fixes, more);
  const { parts, taken, fixes, opened: edited } = fetched;
  const { text, steps } = await composeFor({ ...place, fixes }, parts);
  const commits = [...new Set([...steps.flatMap(({ commit }) => commit ?? []), ...fetched.commits])];
  const where = steps.length === 1 || fixes === null ? steps[0]!.where : fixes.address;
  return { text, where, cves, commits, steps, taken, parts, fixes, version: null, opened: edited };
}

const NOTHING = { cves: [], commits: [], taken: [], fixes: null, version: null, opened: [] };

/** The newest version, laid against the source again: the tree may be another one than it was made for. Null: none was opened. */
async function openedChange(place: ComposePlace, name: string): Promise<Change | null> {
  const { store, kernel } = place;
  const found = await openedPart(store, kernel, name, null);
  if (found === undefined) return null;
  const { patch, version, part } = found;
  for (const cve of patch.cves) await refuseNotAffected(store, kernel, cve);
  const { text, steps } = await composeFor(place, [part]);
  const commits = patch.commits.map(({ commit }) => commit);
  return {
    ...NOTHING,
    text,
    where: part.fixes[0]!.where,
    cves: patch.cves,
    commits,
    steps,
    parts: [part],
    version,
    opened: [found],
  };
}

function alreadyOpened(name: string): PatchError {
  return new PatchError('patch-opened', 'input', {
    what: 'the patch of these CVEs was opened, and its newest version is what is built: --with adds nothing to it',
    where: name,
    remedy: 'leave --with out; open the patch again with it, or edit it',
  });
}
