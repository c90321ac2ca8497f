import { join } from 'node:path';
import {
  type BuildId,
  type GateRecord,
  indexPath,
  type LivepatchRecipe,
  type Release,
  type ReleaseApproval,
  type ReleaseIndex,
  releasePath,
} from '#domain';
import { type Clock, sha256, withLock } from '#host';
import { ArchiveError } from './error.ts';
import { type KeyRole, loadSigner, makeKeys, type RoleSigner } from './keys.ts';
import {
  addTargets,
  initRepository,
  listTargets,
  type NewTarget,
  readRepository,
  readTarget,
  refreshRepository,
  type Signers,
} from './repository.ts';

const LOCK_WAIT_MS = 30_000;

export interface ArchivePlace {
  /** Folder of static files that is served. */
  readonly directory: string;
  /** Folder of the keys, which is never served. */
  readonly keys: string;
  readonly clock: Clock;
}

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

async function signersOf(keys: string): Promise<Signers> {
  const load = (role: KeyRole): Promise<RoleSigner> => loadSigner(keys, role);
  return {
    targets: await load('targets'),
    modules: await load('modules'),
    snapshot: await load('snapshot'),
    timestamp: await load('timestamp'),
  };
}

function locked<T>(place: Pick<ArchivePlace, 'directory'>, body: () => Promise<T>): Promise<T> {
  return withLock(join(place.directory, '.lock'), LOCK_WAIT_MS, body);
}

/** Makes the keys and an empty archive. What agents must be given is `root.json`. Errors: archive-exists. */
export async function initArchive(place: ArchivePlace): Promise<void> {
  await locked(place, async () => {
    await makeKeys(place.keys);
    await initRepository(
      place.directory,
      await loadSigner(place.keys, 'root'),
      await signersOf(place.keys),
      place.clock.now(),
    );
  });
}

/** Opens an index for a kernel, empty: its hosts can tell "nothing to do" from "this kernel is not served". */
export async function subscribeKernel(
  place: ArchivePlace,
  buildId: BuildId,
  kernelRelease: string,
): Promise<ReleaseIndex> {
  return locked(place, async () => {
    const index = (await readIndex(place.directory, buildId)) ?? { version: 1, buildId, kernelRelease, releases: [] };
    await addTargets(place.directory, [indexTarget(index)], await signersOf(place.keys), place.clock.now());
    return index;
  });
}

/**
 * Publishes a proved livepatch as the next release of its build-id: the module, and beside it the exact patch and the
 * recipe (its corresponding source), the signed gate record and the approvals. Errors: gate-missing, gate-mismatch, those of the repository.
 */
export async function publishLivepatch(place: ArchivePlace, livepatch: PublishedLivepatch): Promise<Release> {
  const { recipe, module, moduleName, approval } = livepatch;
  requireProof(moduleName, livepatch.gate);
  requireSame(livepatch);
  return locked(place, async () => {
    const index = (await readIndex(place.directory, recipe.buildId)) ?? {
      version: 1 as const,
      buildId: recipe.buildId,
      kernelRelease: recipe.kernelRelease,
      releases: [],
    };
    const number = Math.max(0, ...index.releases.map((release) => release.number)) + 1;
    const release: Release = {
      buildId: recipe.buildId,
      kernelRelease: recipe.kernelRelease,
      moduleName,
      number,
      cves: recipe.cves,
      functions: recipe.functions,
      approval,
    };
    const path = releasePath(release, `${moduleName}.ko`);
    const entry = { ...release, path, sha256: sha256(module), length: module.length };
    const json = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
    const targets: NewTarget[] = [
      { path, content: module, custom: { release } },
      { path: releasePath(release, 'change.patch'), content: livepatch.patch },
      { path: releasePath(release, 'recipe.json'), content: json(recipe) },
      ...livepatch.attestations.map(({ name, content }) => ({ path: releasePath(release, name), content })),
      indexTarget({ ...index, releases: [...index.releases, entry] }),
    ];
    await addTargets(place.directory, targets, await signersOf(place.keys), place.clock.now());
    return release;
  });
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

function indexTarget(index: ReleaseIndex): NewTarget {
  return { path: indexPath(index.buildId), content: Buffer.from(`${JSON.stringify(index, null, 2)}\n`) };
}

async function readIndex(directory: string, buildId: BuildId): Promise<ReleaseIndex | undefined> {
  const content = await readTarget(directory, indexPath(buildId));
  return content === undefined ? undefined : (JSON.parse(content.toString('utf8')) as ReleaseIndex);
}

/** Signs snapshot and timestamp anew, before they expire. */
export async function refreshArchive(place: ArchivePlace): Promise<void> {
  await locked(place, async () => {
    const signers = {
      snapshot: await loadSigner(place.keys, 'snapshot'),
      timestamp: await loadSigner(place.keys, 'timestamp'),
    };
    await refreshRepository(place.directory, signers, place.clock.now());
  });
}

export interface ArchiveView {
  readonly timestampExpires: string;
  readonly snapshotExpires: string;
  readonly bins: number;
  readonly targets: number;
  readonly kernels: readonly ReleaseIndex[];
}

/** What is in the archive, for people. */
export async function showArchive(directory: string): Promise<ArchiveView> {
  const state = await readRepository(directory);
  const targets = await listTargets(directory);
  const kernels: ReleaseIndex[] = [];
  for (const path of [...targets.keys()].filter((name) => name.startsWith('index/')).sort()) {
    kernels.push(JSON.parse((await readTarget(directory, path))!.toString('utf8')) as ReleaseIndex);
  }
  return {
    timestampExpires: state.timestamp.expires,
    snapshotExpires: state.snapshot.expires,
    bins: state.bins.numberOfBins,
    targets: targets.size,
    kernels,
  };
}
