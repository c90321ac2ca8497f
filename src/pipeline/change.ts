import { type CveId, compareKernelVersions, type Profile, parseKernelVersion } from '#domain';
import { LivepatchError } from '#livepatch';
import {
  type Composed,
  type ComposeFix,
  type ComposeOptions,
  type ComposePart,
  composePatch,
  type Fix,
  type FixSource,
  fetchBranchFixes,
  namesInHistory,
  PatchError,
} from '#patch';
import { getCve, getVerdict, type KernelRow, type Store, StoreError } from '#store';
import { kernelTexts } from './kernel-texts.ts';
import { withNeeds } from './needs.ts';
import { type OpenedPart, openedPart } from './opened.ts';

/** Why which commit was taken for a CVE, in sentences. */
export interface TakenFix {
  readonly cve: CveId;
  readonly commit: string;
  readonly version: string;
  readonly reason: string;
}

/** The fixes of CVEs for one kernel, ready to be composed. */
export interface FetchedParts {
  readonly parts: readonly ComposePart[];
  readonly taken: readonly TakenFix[];
  /** Commits behind parts that a person edited. */
  readonly commits: readonly string[];
  /** Those that a person edited. */
  readonly opened: readonly OpenedPart[];
  /** The source that was asked; null: all of them were opened. */
  readonly fixes: FixSource | null;
}

/**
 * Fetches the fixes of CVEs for a kernel: of each all commits of the nearest branch, without those that its version has. Among
 * several, one whose own patch was opened is taken as it stands there. `more`: commits that are needed besides. The source is
 * opened when it is needed. Errors: not-found (CVE), not-affected, fix-not-found, edit-unfinished, those of the source.
 */
export async function fetchParts(
  { store, kernel }: Pick<ComposePlace, 'store' | 'kernel'>,
  given: readonly CveId[],
  open: () => Promise<FixSource>,
  more: readonly string[] = [],
): Promise<FetchedParts> {
  const cves = [...new Set(given)];
  const parts: ComposePart[] = [];
  const taken: TakenFix[] = [];
  const commits: string[] = [];
  const edited: OpenedPart[] = [];
  let fixes: FixSource | null = null;
  for (const cve of cves) {
    const row = await getCve(store.db, cve);
    if (row === undefined) throw unknownCve(cve);
    await refuseNotAffected(store, kernel, cve);
    const opened = cves.length > 1 ? await openedPart(store, kernel, cve, cve) : undefined;
    if (opened !== undefined) {
      parts.push(opened.part);
      edited.push(opened);
      commits.push(...opened.patch.commits.map(({ commit }) => commit));
      continue;
    }
    fixes ??= await open();
    const found = withoutOld(await fetchBranchFixes(row.record, kernel.version, fixes), kernel.version);
    parts.push({ cve, fixes: found });
    taken.push(...found.map(({ commit, version, reason }) => ({ cve, commit, version, reason })));
  }
  for (const commit of new Set(more)) {
    fixes ??= await open();
    parts.push({ cve: null, fixes: [await fetchCommit(commit, fixes)] });
  }
  return { parts, taken, commits, opened: edited, fixes };
}

async function fetchCommit(commit: string, source: FixSource): Promise<ComposeFix> {
  const found = await source.changeOf(commit);
  const where = `${source.address} ${commit}`;
  if (found !== undefined) return { commit, version: '', branch: 'unknown', date: found.date, text: found.text, where };
  throw new PatchError('fix-not-found', 'input', {
    what: `the source of fixes does not have commit ${JSON.stringify(commit.slice(0, 64))}`,
    where: source.address,
    remedy: 'give the commit in full, or a source that has it',
  });
}

/** A CVE may have been fixed twice in a branch: what is older than the kernel is in there, unless all of it would be. */
function withoutOld(fixes: readonly Fix[], version: string): readonly Fix[] {
  const kernel = parseKernelVersion(version);
  const open = fixes.filter(({ branch, version: fixed }) => {
    const at = parseKernelVersion(fixed);
    return branch !== 'own-branch' || !kernel || !at || compareKernelVersions(at, kernel) > 0;
  });
  return open.length === 0 ? fixes : open;
}

/** What a change is composed against. */
export interface ComposePlace {
  readonly store: Store;
  readonly kernel: KernelRow;
  readonly tree: string;
  readonly profile: Profile;
  /** Null: a change of a person alone. */
  readonly fixes: FixSource | null;
}

export function composeOptions({ kernel, tree, profile, fixes }: ComposePlace): ComposeOptions {
  const history = fixes?.history ?? null;
  return {
    source: kernelTexts(tree, profile),
    toolchain: kernel.toolchain,
    otherNames: (commit, path) =>
      commit === null || history === null ? Promise.resolve([]) : namesInHistory(history, commit, path),
    sides: (commit, path) => fixes?.sides(commit, path) ?? Promise.resolve(null),
  };
}

/**
 * Composes parts against the source of a kernel. Errors: as `composePatch`; one that does not apply names the earlier commits
 * it seems to need.
 */
export async function composeFor(
  place: ComposePlace,
  parts: readonly ComposePart[],
  conflicts?: 'mark',
): Promise<Composed> {
  const options = { ...composeOptions(place), conflicts };
  try {
    return await composePatch(parts, options);
  } catch (error) {
    const { store, kernel, fixes } = place;
    throw fixes === null ? error : await withNeeds(error, { store, kernel, fixes, parts, options });
  }
}

function unknownCve(cve: CveId): StoreError {
  return new StoreError('not-found', 'input', {
    what: 'this CVE is not known',
    where: cve,
    remedy: 'run "tuxtape feed sync"',
  });
}

/** Errors: not-affected, with the last evidence. */
export async function refuseNotAffected(store: Store, kernel: KernelRow, cve: CveId): Promise<void> {
  const verdict = (await getVerdict(store.db, kernel.id, cve))?.verdict;
  if (verdict === undefined || verdict.status === 'affected' || verdict.status === 'under_investigation') return;
  throw new LivepatchError('not-affected', 'input', {
    what: `${verdict.cve} is ${verdict.status === 'fixed' ? 'fixed in' : 'not affecting'} kernel "${kernel.name}": ${verdict.evidence.at(-1)?.sentence ?? ''}`,
    where: kernel.name,
    remedy: `see "tuxtape triage explain ${verdict.cve} --kernel ${kernel.name}"`,
  });
}
