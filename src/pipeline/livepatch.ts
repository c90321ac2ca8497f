import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LivepatchRecipe, PatchVersion, Profile } from '#domain';
import { type Clock, sha256 } from '#host';
import { type Built, needBuilt, type TreeLayout } from '#kernel';
import { buildModule, engineFor, LivepatchError, moduleNameOf } from '#livepatch';
import { type Composed, type Finding, type Fit, lintTree, parseDiff, refuseBlocking, refuseBuildFiles } from '#patch';
import { addLivepatch, findLivepatch, type KernelRow, type LivepatchRow, needLivepatch, type Store } from '#store';
import { type ComposePlace, composeOptions, type TakenFix } from './change.ts';
import { type Change, changeFor, type LivepatchInput } from './livepatch-change.ts';
import { clear, endWork, keep, makePlace } from './livepatch-place.ts';
import { type BuilderName, livepatchProvenance } from './livepatch-provenance.ts';
import { withNeeds } from './needs.ts';
import { patchPlace } from './patch-place.ts';

/** Output of an engine that is looked at when it fails. */
const MAX_TAIL = 1 << 20;

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
  /** The loosest of all steps, with what was said of any. */
  readonly fit: Fit;
  readonly steps: Composed['steps'];
  readonly taken: readonly TakenFix[];
  /** Version of an opened patch that was built. */
  readonly version: PatchVersion | null;
  readonly findings: readonly Finding[];
  readonly seconds: number;
}

/**
 * From CVEs (or a patch of ours) and a built kernel to a module: fetch the fixes, compose one change of them, guard, lint, build.
 * The livepatch appears whole, in its directory and in the store, or not at all; the log of a failed build is kept.
 */
export async function buildLivepatch(options: BuildLivepatchOptions): Promise<BuildLivepatchResult> {
  const started = options.clock.monotonicMs();
  const prepared = await prepare(options.store, options.kernel, options.input);
  const livepatch = await buildAndKeep(options, prepared);
  const seconds = (options.clock.monotonicMs() - started) / 1000;
  const { findings, change } = prepared;
  const { steps, taken, version } = change;
  return { livepatch, fit: fitOf(steps), steps, taken, version, findings, seconds };
}

interface Prepared {
  readonly kernel: KernelRow;
  readonly layout: TreeLayout;
  readonly built: Built;
  readonly profile: Profile;
  readonly place: ComposePlace;
  readonly change: Change;
  readonly findings: readonly Finding[];
}

export interface LintResult {
  readonly kernel: string;
  /** The file or commit of the change. */
  readonly where: string;
  readonly findings: readonly Finding[];
}

/**
 * What the lint says of a change for a built kernel; nothing is made. Errors: those of finding the change, and of a kernel
 * that is not built.
 */
export async function lintLivepatch(store: Store, name: string, input: LivepatchInput): Promise<LintResult> {
  const place = await patchPlace(store, name, null);
  const { text, where } = await changeFor(place, input);
  const findings = await lintTree(place.layout.build, parseDiff(text, where), place.profile);
  return { kernel: place.kernel.name, where, findings };
}

/** Everything that can be refused before a compiler runs. */
async function prepare(store: Store, name: string, input: LivepatchInput): Promise<Prepared> {
  const place = await patchPlace(store, name, null);
  const { kernel, layout, profile } = place;
  const built = await needBuilt(layout);
  const change = await changeFor(place, input);
  const files = parseDiff(change.text, change.where);
  refuseBuildFiles(files, change.where);
  const findings = await lintTree(layout.build, files, profile);
  refuseBlocking(findings);
  return { kernel, layout, built, profile, place: { ...place, fixes: change.fixes }, change, findings };
}

async function buildAndKeep(options: BuildLivepatchOptions, prepared: Prepared): Promise<LivepatchRow> {
  const { kernel, layout, built, profile, change } = prepared;
  const { toolchain } = kernel;
  const engine = engineFor(kernel.version);
  const moduleName = moduleNameOf(built.buildId, change.cves, change.text);
  const id = randomUUID();
  const startedAt = options.clock.now();
  const { db } = options.store;
  const isListed = async (other: string): Promise<boolean> => (await findLivepatch(db, other)) !== undefined;
  const place = await makePlace(join(options.dataDirectory, 'livepatches'), id, isListed);
  let tail = '';
  const onOutput = (text: string): void => {
    tail = (tail + text).slice(-MAX_TAIL);
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
    const module = await buildModule(engine, job, built.release);
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
    throw withLog(await explained(error, prepared, tail), place.log);
  }
  await endWork(place);
  return await needLivepatch(db, id);
}

/** What the change lacks, where the compiler says that it lacks something. */
async function explained(error: unknown, { place, change }: Prepared, output: string): Promise<unknown> {
  const { store, kernel, fixes } = place;
  if (fixes === null) return error;
  return withNeeds(error, { store, kernel, fixes, parts: change.parts, options: composeOptions(place) }, output);
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

const LOOSENESS = ['exact', 'offset', 'fuzz', 'three-way', 'marked'] as const;

function fitOf(steps: Composed['steps']): Fit {
  const fits = steps.flatMap(({ fit }) => fit ?? []);
  const how = LOOSENESS.findLast((one) => fits.some((fit) => fit.how === one)) ?? 'exact';
  return { how, remarks: fits.flatMap(({ remarks }) => remarks) };
}
