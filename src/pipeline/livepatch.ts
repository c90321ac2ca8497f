import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CveId, LivepatchRecipe, Profile, Verdict } from '#domain';
import { type Clock, sha256 } from '#host';
import { type Built, KernelError, needBuilt, type TreeLayout, treeLayout } from '#kernel';
import { buildModule, engineFor, LivepatchError, moduleNameOf } from '#livepatch';
import {
  type Finding,
  type Fit,
  fetchFix,
  lint,
  oldTexts,
  parseDiff,
  readPatchFile,
  refuseBlocking,
  refuseBuildFiles,
  tryPatch,
} from '#patch';
import {
  addLivepatch,
  findLivepatch,
  getCve,
  getVerdict,
  type KernelRow,
  type LivepatchRow,
  needKernel,
  needLivepatch,
  type Store,
  StoreError,
} from '#store';
import { profileOf } from './kernel.ts';
import { clear, endWork, keep, makePlace } from './livepatch-place.ts';
import { type BuilderName, livepatchProvenance } from './livepatch-provenance.ts';
import { requireSameBuild } from './same-build.ts';

/** What a livepatch is made of: a CVE's fix from a source of fixes, or a change of our own. */
export type LivepatchInput = { readonly cve: CveId; readonly fixes: string } | { readonly patchFile: string };

export interface BuildLivepatchOptions {
  readonly store: Store;
  readonly dataDirectory: string;
  readonly kernel: string;
  readonly input: LivepatchInput;
  readonly jobs: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** As the provenance of the module names it. */
  readonly builder?: BuilderName | undefined;
  readonly onOutput: (text: string) => void;
}

export interface BuildLivepatchResult {
  readonly livepatch: LivepatchRow;
  readonly fit: Fit;
  readonly findings: readonly Finding[];
  readonly seconds: number;
}

interface Change {
  readonly text: string;
  readonly where: string;
  readonly cves: readonly CveId[];
  readonly commits: readonly string[];
}

/**
 * From a CVE (or a patch of ours) and a built kernel to a module: fetch the fix, guard, lint, try it on the source, build.
 * The livepatch appears whole, in its directory and in the store, or not at all; the log of a failed build is kept.
 */
export async function buildLivepatch(options: BuildLivepatchOptions): Promise<BuildLivepatchResult> {
  const started = options.clock.monotonicMs();
  const prepared = await prepare(options.store, options.kernel, options.input);
  const livepatch = await buildAndKeep(options, prepared);
  const seconds = (options.clock.monotonicMs() - started) / 1000;
  return { livepatch, fit: prepared.fit, findings: prepared.findings, seconds };
}

interface Prepared {
  readonly kernel: KernelRow;
  readonly layout: TreeLayout;
  readonly built: Built;
  readonly profile: Profile;
  readonly change: Change;
  readonly paths: readonly string[];
  readonly findings: readonly Finding[];
  readonly fit: Fit;
}

/** Everything that can be refused before a compiler runs. */
async function prepare(store: Store, name: string, input: LivepatchInput): Promise<Prepared> {
  const kernel = await needKernel(store.db, name);
  const layout = treeLayout(kernel.treeDirectory);
  const built = await needBuilt(layout);
  const profile = await profileOf(store.db, kernel);
  if (profile === null) {
    const what = 'the kernel has no profile';
    throw new KernelError('tree-missing', 'input', { what, where: kernel.name, remedy: 'run "tuxtape kernel build"' });
  }
  await requireSameBuild(kernel, layout.build);
  const change = await fetchChange(store, kernel, input);
  const files = parseDiff(change.text, change.where);
  refuseBuildFiles(files, change.where);
  const paths = files.map(({ path }) => path);
  const texts = await oldTexts(layout.build, paths);
  const findings = lint(files, (path) => texts.get(path));
  refuseBlocking(findings);
  const fit = await tryPatch(layout.build, kernel.toolchain, change.text);
  return { kernel, layout, built, profile, change, paths, findings, fit };
}

async function buildAndKeep(options: BuildLivepatchOptions, prepared: Prepared): Promise<LivepatchRow> {
  const { kernel, layout, built, profile, change, paths } = prepared;
  const { toolchain } = kernel;
  const engine = engineFor(kernel.version);
  const moduleName = moduleNameOf(built.buildId, change.cves, change.text);
  const id = randomUUID();
  const startedAt = options.clock.now();
  const { db } = options.store;
  const isListed = async (other: string): Promise<boolean> => (await findLivepatch(db, other)) !== undefined;
  const place = await makePlace(join(options.dataDirectory, 'livepatches'), id, isListed);
  const onOutput = (text: string): void => {
    appendFileSync(place.log, text);
    options.onOutput(text);
  };
  try {
    onOutput(`${engine.name} builds ${moduleName}\n`);
    const { jobs, signal } = options;
    const job = {
      ...{ layout, toolchain, version: kernel.version, profile },
      patch: change.text,
      moduleName,
      jobs,
      work: place.work,
      signal,
      onOutput,
    };
    const module = await buildModule(engine, job, built.release, paths);
    const recipe: LivepatchRecipe = {
      engine: engine.name,
      engineVersion: module.engineVersion,
      compiler: toolchain.compiler,
      buildId: built.buildId,
      kernelRelease: built.release,
      cves: change.cves,
      fixCommits: change.commits,
      patchSha256: sha256(change.text),
      functions: module.functions,
    };
    const { sha256: moduleSha256 } = module;
    const builtAt = options.clock.now();
    const parts = { moduleName, moduleSha256, recipe, invocationId: id, startedAt, finishedAt: builtAt };
    const provenance = livepatchProvenance(kernel, parts, options.builder);
    await keep(place, { module: module.bytes, patch: change.text, recipe, provenance });
    await addLivepatch(db, {
      id,
      kernelId: kernel.id,
      moduleName,
      moduleSha256,
      directory: place.kept,
      recipe,
      builtAt,
    });
  } catch (error) {
    await clear(place);
    throw withLog(error, place.log);
  }
  await endWork(place);
  return await needLivepatch(db, id);
}

/** The work folder of a failed build is gone; its log is what the reader is sent to. */
function withLog(error: unknown, log: string): unknown {
  if (!(error instanceof LivepatchError)) return error;
  return new LivepatchError(error.code, error.fault, {
    what: error.message,
    where: log,
    remedy: error.remedy,
    cause: error.cause,
  });
}

async function fetchChange(store: Store, kernel: KernelRow, input: LivepatchInput): Promise<Change> {
  if ('patchFile' in input)
    return { text: await readPatchFile(input.patchFile), where: input.patchFile, cves: [], commits: [] };
  const row = await getCve(store.db, input.cve);
  if (!row)
    throw new StoreError('not-found', 'input', {
      what: 'this CVE is not known',
      where: input.cve,
      remedy: 'run "tuxtape feed sync"',
    });
  refuseNotAffected((await getVerdict(store.db, kernel.id, input.cve))?.verdict, kernel);
  const fix = await fetchFix(row.record, kernel.version, input.fixes);
  return { text: fix.text, where: fix.where, cves: [input.cve], commits: [fix.commit] };
}

function refuseNotAffected(verdict: Verdict | undefined, kernel: KernelRow): void {
  if (verdict === undefined || verdict.status === 'affected' || verdict.status === 'under_investigation') return;
  throw new LivepatchError('not-affected', 'input', {
    what: `${verdict.cve} is ${verdict.status === 'fixed' ? 'fixed in' : 'not affecting'} kernel "${kernel.name}": ${verdict.evidence.at(-1)?.sentence ?? ''}`,
    where: kernel.name,
    remedy: `see "tuxtape triage explain ${verdict.cve} --kernel ${kernel.name}"`,
  });
}
