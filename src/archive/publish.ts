import {
  type BuildId,
  type GateRecord,
  type IndexedRelease,
  type LivepatchRecipe,
  type PaceFloors,
  type Release,
  type ReleaseApproval,
  type ReleaseIndex,
  type ReleaseMark,
  releasePath,
} from '#domain';
import { sha256 } from '#host';
import type { NewTarget } from './commit.ts';
import { ArchiveError } from './error.ts';
import { editIndex, json, type Published } from './index-file.ts';
import type { ArchivePlace } from './place.ts';

/** Releases that an index lists; what is older stays in the archive, and its recall in the index. */
const LISTED_RELEASES = 200;
/** Bytes of these: each host of the kernel reads the index whenever it changed, and every release lists all that it fixes. */
const LISTED_BYTES = 1 << 20;
/** Listed whatever they take: one to go to, and one to fall back to. */
const LEAST_LISTED = 2;

export interface PublishedLivepatch {
  readonly module: Buffer;
  readonly moduleName: string;
  readonly patch: Buffer;
  readonly recipe: LivepatchRecipe;
  readonly gate: GateRecord | null;
  /** On whose word it is published. */
  readonly approval: ReleaseApproval;
  /** Signed statements about it, by file name: the gate record, approvals. */
  readonly attestations: readonly { readonly name: string; readonly content: Buffer }[];
}

function emptyIndex(buildId: BuildId, kernelRelease: string): ReleaseIndex {
  return { version: 1, buildId, kernelRelease, releases: [] };
}

/** Opens an index for a kernel, empty: its hosts can tell "nothing to do" from "this kernel is not served". */
export async function subscribeKernel(
  place: ArchivePlace,
  buildId: BuildId,
  kernelRelease: string,
  floors: PaceFloors | null = null,
): Promise<ReleaseIndex> {
  const { result } = await editIndex(place, buildId, false, (before) => {
    const index = { ...(before ?? emptyIndex(buildId, kernelRelease)), ...(floors === null ? {} : { floors }) };
    return { index, files: [], result: index };
  });
  return result;
}

/**
 * Publishes a proved livepatch as the next release of its build-id: the module, and beside it the exact patch and the
 * recipe (its corresponding source), the signed gate record and the approvals. Errors: gate-missing, gate-mismatch, those of the repository.
 */
export async function publishLivepatch(place: ArchivePlace, livepatch: PublishedLivepatch): Promise<Release> {
  return (await publishOrPropose(place, livepatch, false)).result;
}

/** As `publishLivepatch`; with `propose` the change is given back for other holders of release keys to sign, and hosts see nothing yet. */
export async function publishOrPropose(
  place: ArchivePlace,
  livepatch: PublishedLivepatch,
  propose: boolean,
): Promise<Published<Release>> {
  const { recipe, module, moduleName, approval } = livepatch;
  requireProof(moduleName, livepatch.gate);
  requireSame(livepatch);
  const { buildId, kernelRelease } = recipe;
  return editIndex(place, buildId, propose, (before, now) => {
    const index = before ?? emptyIndex(buildId, kernelRelease);
    const number = newestOf(index) + 1;
    const mark: ReleaseMark = { buildId, kernelRelease, moduleName, number };
    const { cves, functions } = recipe;
    const release: Release = { ...mark, cves, functions, approval, publishedAt: now.toISOString() };
    const path = releasePath(release, `${moduleName}.ko`);
    const entry: IndexedRelease = { ...release, path, sha256: sha256(module), length: module.length };
    const files: NewTarget[] = [
      { path, content: module, custom: { release: mark } },
      { path: releasePath(release, 'change.patch'), content: livepatch.patch },
      { path: releasePath(release, 'recipe.json'), content: json(recipe) },
      ...livepatch.attestations.map(({ name, content }) => ({ path: releasePath(release, name), content })),
    ];
    const releases = newestThatFit([...index.releases, entry]);
    return { index: { ...index, newest: number, releases }, files, result: release };
  });
}

function newestThatFit(releases: readonly IndexedRelease[]): readonly IndexedRelease[] {
  let bytes = 0;
  const fitting = releases.toReversed().findIndex((release, at) => {
    bytes += json(release).length;
    return at >= LISTED_RELEASES || (at >= LEAST_LISTED && bytes > LISTED_BYTES);
  });
  return fitting < 0 ? releases : releases.slice(releases.length - fitting);
}

/** The highest number that was ever given: it never falls, whatever is recalled or not listed any more. */
export function newestOf({ newest = 0, releases, recalls = [] }: ReleaseIndex): number {
  return Math.max(newest, ...releases.map(({ number }) => number), ...recalls.map(({ number }) => number));
}

/** Errors: gate-missing, where it was not proved, or did not pass. */
export function requireProof(moduleName: string, gate: GateRecord | null): asserts gate is GateRecord {
  if (gate === null || !gate.passed) {
    throw new ArchiveError('gate-missing', 'input', {
      what: gate === null ? 'the livepatch was not proved' : 'the livepatch did not pass its proof',
      where: moduleName,
      remedy: 'run "tuxtape livepatch verify" and look at what failed; what is not proved is not published',
    });
  }
}

/** The gate record must be of these very bytes. */
function requireSame({ gate, module, patch, recipe, moduleName }: PublishedLivepatch): void {
  const same =
    gate?.moduleSha256 === sha256(module) &&
    gate.patchSha256 === sha256(patch) &&
    recipe.patchSha256 === gate.patchSha256 &&
    gate.buildId === recipe.buildId;
  if (!same)
    throw new ArchiveError('gate-mismatch', 'untrusted', {
      what: 'the gate record is of another module, patch or kernel',
      where: moduleName,
      remedy: 'build and prove the livepatch again',
    });
}
