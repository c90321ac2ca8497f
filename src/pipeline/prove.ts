import { join } from 'node:path';
import { type CveId, type CveRecord, type ObjectFinding, type Profile, type Proof } from '#domain';
import { type Clock, exists, Git, sha256 } from '#host';
import { identifyToolchain, type KernelConfig, KernelError, needBuilt, treeLayout } from '#kernel';
import {
  compareObjects,
  fetchBranchFixes,
  knownMoves,
  namesInHistory,
  PatchError,
  type Presence,
  parseDiff,
  presenceOfAll,
  type SourceTexts,
} from '#patch';
import { getCves, type KernelRow, listVerdicts, putProof, type Store, StoreError } from '#store';
import { findFile } from '#triage';
import { isExcluded } from './config-scope.ts';
import { profileOf } from './kernel.ts';
import { builtConfig, kernelTexts, settingOf } from './kernel-texts.ts';
import { triageKernel } from './triage.ts';

export interface ProveOptions {
  readonly store: Store;
  readonly kernel: KernelRow;
  /** Directory of `<commit>.patch` files, or a git repository. */
  readonly fixes: string;
  /** These CVEs; undefined = all that affect the kernel or may. */
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

/**
 * Holds the fix of each CVE against the source of a built kernel, compiles the objects that it changes with and without
 * it, stores what was found, and decides anew. The tree is only read. A kill leaves what was proved before.
 * Errors: tree-missing, toolchain-changed; those of `compareObjects`.
 */
export async function proveKernel(options: ProveOptions): Promise<ProveOutcome[]> {
  const { store, kernel, clock } = options;
  await needBuilt(treeLayout(kernel.treeDirectory));
  await requireToolchain(kernel);
  const profile = await needProfile(store, kernel);
  const tree = treeLayout(kernel.treeDirectory).build;
  const subject = { profile, source: kernelTexts(tree, profile), config: await builtConfig(tree), tree };
  const records = await recordsOf(options);
  const outcomes: ProveOutcome[] = [];
  for (const record of records) {
    options.onProgress(outcomes.length, records.length, record.id);
    const outcome = await proveOne(options, subject, record);
    if (outcome.proof !== null) await putProof(store.db, kernel.id, record.id, outcome.proof, clock.now());
    outcomes.push(outcome);
  }
  await triageKernel({ store, kernel, clock, hostListSeconds: options.hostListSeconds });
  return outcomes;
}

/** Another compiler makes other objects: the same with and without the fix would prove nothing for this kernel. */
async function requireToolchain({ toolchain, name }: KernelRow): Promise<void> {
  const { compiler } = await identifyToolchain(toolchain.root, toolchain.cross);
  if (compiler === toolchain.compiler) return;
  throw new KernelError('toolchain-changed', 'toolchain', {
    what: `the kernel was built by "${toolchain.compiler}", and the toolchain is now "${compiler}"`,
    where: toolchain.root ?? 'this host',
    remedy: `bring the compiler back, or add and build kernel "${name}" again`,
  });
}

async function needProfile(store: Store, kernel: KernelRow): Promise<Profile> {
  const profile = await profileOf(store.db, kernel);
  if (profile !== null) return profile;
  throw new StoreError('not-found', 'input', {
    what: 'the kernel has no profile yet',
    where: kernel.name,
    remedy: `run "tuxtape kernel build ${kernel.name}"`,
  });
}

async function recordsOf({ store, kernel, cves }: ProveOptions): Promise<CveRecord[]> {
  const ids = cves ?? (await openCves(store, kernel));
  return (await getCves(store.db, ids)).map(({ record }) => record);
}

async function openCves(store: Store, kernel: KernelRow): Promise<CveId[]> {
  const open: CveId[] = [];
  for (const status of ['affected', 'under_investigation'] as const)
    for (const { verdict } of await listVerdicts(store.db, kernel.id, { status, limit: 0 })) open.push(verdict.cve);
  return open;
}

/** What every fix is held against. */
interface Subject {
  readonly profile: Profile;
  readonly source: SourceTexts;
  readonly config: KernelConfig | null;
  readonly tree: string;
}

/** Paths that this source does not have, under the names that history or the list of moves give them. */
async function movedPaths(
  fixes: string,
  commit: string,
  paths: readonly string[],
  { sources }: Profile,
): Promise<NonNullable<Proof['source']['moved']>> {
  const moved: Record<string, { to: string; how: 'history' | 'table' }> = {};
  const isGit = (await exists(join(fixes, 'objects'))) || (await exists(join(fixes, '.git')));
  for (const path of paths.filter((each) => !sources.has(each))) {
    const listed = knownMoves(path).find((to) => sources.has(to));
    const names = isGit ? await namesInHistory(new Git(fixes), commit, path) : [];
    const told = names.find((to) => sources.has(to));
    if (told !== undefined) moved[path] = { to: told, how: 'history' };
    else if (listed !== undefined) moved[path] = { to: listed, how: 'table' };
  }
  return moved;
}

/** A fix that is missing, or that cannot be read, stops no other. */
async function proveOne(options: ProveOptions, subject: Subject, record: CveRecord): Promise<ProveOutcome> {
  const { profile, source, config, tree } = subject;
  try {
    const fixes = await fetchBranchFixes(record, options.kernel.version, options.fixes);
    const looked = fixes.map(({ commit, version, text }) => ({ commit, version, sha256: sha256(text) }));
    // Both texts as bytes: sources of the kernel are not all UTF-8.
    const diffs = fixes.map(({ text, where }) => parseDiff(Buffer.from(text).toString('latin1'), where));
    const setting = config === null ? undefined : settingOf(config, profile);
    const presence = await presenceOfAll(diffs, source, setting);
    const object = presence.changed === null ? null : await proveObjects(options, profile, presence);
    const excluded = setting !== undefined && (await isExcluded(tree, profile, presence, source, setting));
    const moved = await movedPaths(options.fixes, looked[0]!.commit, presence.paths, profile);
    const finding = { ...presence.finding, moved };
    const proof = { fixes: looked, source: finding, paths: presence.paths, excluded, object };
    return { cve: record.id, proof };
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    return { cve: record.id, proof: null, code: error.code, why: error.message };
  }
}

/** What is not compiled into any object needs no proof; what cannot be traced to objects has none. */
async function proveObjects(
  options: ProveOptions,
  profile: Profile,
  presence: Presence,
): Promise<ObjectFinding | null> {
  const { kernel, jobs, maxObjects, signal } = options;
  const findings = presence.paths.map((path) => ({ path, ...findFile(path, profile, kernel.arch) }));
  if (findings.every(({ kind }) => kind === 'not-compiled')) return null;
  const lost = findings.find(({ kind }) => kind === 'undecided');
  if (lost?.kind === 'undecided') return { outcome: 'undecided', why: `${lost.path}: ${lost.why}`, objects: [] };
  const tree = treeLayout(kernel.treeDirectory).build;
  const { toolchain } = kernel;
  return compareObjects({ tree, toolchain, profile, changed: presence.changed!, jobs, maxObjects, signal });
}
