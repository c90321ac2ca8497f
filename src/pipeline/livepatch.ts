import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LivepatchRecipe, PatchVersion, RecipeFinding } from '#domain';
import { type Clock, sha256 } from '#host';
import { engineFor, LivepatchError } from '#livepatch';
import { type Composed, type Finding, type Fit, lintTree, parseDiff, suggestion } from '#patch';
import { addLivepatch, findLivepatch, type LivepatchRow, needLivepatch, type Store } from '#store';
import type { TakenFix } from './change.ts';
import { changeFor, type LivepatchInput } from './livepatch-change.ts';
import { explained, type Prepared, prepare } from './livepatch-job.ts';
import { type Made, type Maker, makeHere, recorded } from './livepatch-make.ts';
import { clear, endWork, keep, makePlace } from './livepatch-place.ts';
import { type BuilderName, livepatchProvenance } from './livepatch-provenance.ts';
import { patchPlace } from './patch-place.ts';

/** Output of an engine that is looked at when it fails. */
const MAX_TAIL = 1 << 20;
const BUILDER_URN = 'urn:tuxtape:builder:';

export interface BuildLivepatchOptions {
  readonly store: Store;
  readonly dataDirectory: string;
  readonly kernel: string;
  readonly input: LivepatchInput;
  readonly jobs: number;
  /** Leave out what cannot go into a livepatch where the rest stands; each such hunk is in the recipe. Default: yes. */
  readonly answers?: boolean | undefined;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Who makes the module. Default: this process. */
  readonly make?: Maker | undefined;
  /** Who has it built: its author, who cannot approve it. */
  readonly by: string;
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
  readonly findings: readonly RecipeFinding[];
  readonly seconds: number;
}

/**
 * From CVEs (or a patch of ours) and a built kernel to a module: fetch the fixes, compose one change of them, guard, lint, build.
 * The livepatch appears whole, in its directory and in the store, or not at all; the log of a failed build is kept.
 */
export async function buildLivepatch(options: BuildLivepatchOptions): Promise<BuildLivepatchResult> {
  const started = options.clock.monotonicMs();
  const prepared = await prepare(options.store, options.kernel, options.input, options);
  const livepatch = await buildAndKeep(options, prepared);
  const seconds = (options.clock.monotonicMs() - started) / 1000;
  const { steps, taken, version } = prepared.change;
  const findings = livepatch.recipe.findings ?? [];
  return { livepatch, fit: fitOf(steps), steps, taken, version, findings, seconds };
}

export interface LintResult {
  readonly kernel: string;
  /** The file or commit of the change. */
  readonly where: string;
  /** `suggestion`: text to begin with, where a helper of livepatches can answer it. */
  readonly findings: readonly (Finding & { readonly suggestion: string | null })[];
}

/**
 * What the lint says of a change for a built kernel; nothing is made. Errors: those of finding the change, and of a kernel
 * that is not built.
 */
export async function lintLivepatch(store: Store, name: string, input: LivepatchInput): Promise<LintResult> {
  const place = await patchPlace(store, name, null);
  const { text, where } = await changeFor(place, input);
  const macros = engineFor(place.kernel.version).name;
  const findings = await lintTree(place.layout.build, parseDiff(text, where), place.profile);
  const helped = findings.map((one) => ({ ...one, suggestion: suggestion(one, macros) }));
  return { kernel: place.kernel.name, where, findings: helped };
}

async function buildAndKeep(options: BuildLivepatchOptions, prepared: Prepared): Promise<LivepatchRow> {
  const { kernel, order, change } = prepared;
  const { moduleName } = order;
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
    const { jobs, signal, make = makeHere } = options;
    const made = await make(prepared, order, { jobs, signal, work: place.work, onOutput });
    const recipe = recipeOf(prepared, made, options.by);
    const { sha256: moduleSha256, bytes: module } = made;
    const builtAt = options.clock.now();
    const parts = { moduleName, moduleSha256, recipe, invocationId: id, startedAt, finishedAt: builtAt };
    const provenance = livepatchProvenance(kernel, parts, builderName(options.builder, made));
    await keep(place, { module, patch: change.text, recipe, provenance });
    const row = { id, kernelId: kernel.id, moduleName, moduleSha256, directory: place.kept, recipe, builtAt };
    await addLivepatch(db, row);
  } catch (error) {
    await clear(place);
    throw withLog(await explained(error, prepared, tail), place.log);
  }
  await endWork(place);
  return needLivepatch(db, id);
}

function recipeOf({ kernel, order, change, findings, answers }: Prepared, made: Made, by: string): LivepatchRecipe {
  return {
    engine: engineFor(kernel.version).name,
    engineVersion: made.engineVersion,
    compiler: kernel.toolchain.compiler,
    buildId: order.buildId,
    kernelRelease: order.kernelRelease,
    cves: change.cves,
    fixCommits: change.commits,
    patchSha256: sha256(change.text),
    functions: made.functions,
    sameCode: made.sameCode,
    leftBehind: made.leftBehind,
    fit: fitOf(change.steps),
    ...(answers.length === 0 ? {} : { answers }),
    findings: [...findings.flatMap(recorded), ...made.findings],
    authors: [...new Set([by, ...change.opened.flatMap(({ authors }) => authors)])],
    versions: change.opened.map(({ patch, version }) => ({ patch: patch.name, sha256: version.sha256 })),
  };
}

/** A builder's own name is what the provenance says, whoever asked it. */
function builderName(own: BuilderName | undefined, { builder }: Made): BuilderName | undefined {
  return builder === null ? own : { ...own, id: `${BUILDER_URN}${builder}` };
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
