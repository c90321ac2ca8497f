import { randomUUID } from 'node:crypto';
import { appendFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CveId, LivepatchRecipe, Verdict } from '#domain';
import { type Clock, sha256, writeAtomic } from '#host';
import { needBuilt, treeLayout } from '#kernel';
import { LivepatchError, buildModule, engineFor, moduleNameOf } from '#livepatch';
import { type Finding, type Fit, fetchFix, lint, oldTexts, parseDiff, readPatchFile, refuseBlocking, refuseBuildFiles, tryPatch } from '#patch';
import { type KernelRow, type LivepatchRow, type Store, StoreError, addLivepatch, getCve, getVerdict, needKernel, needLivepatch } from '#store';
import { profileOf } from './kernel.ts';

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
  const { store, clock } = options;
  const started = clock.monotonicMs();
  const kernel = await needKernel(store.db, options.kernel);
  const layout = treeLayout(kernel.treeDirectory);
  const built = await needBuilt(layout);
  const profile = await profileOf(store.db, kernel);
  if (profile === null) throw new StoreError('not-found', 'input', { what: 'the kernel has no profile', where: kernel.name, remedy: 'run "tuxtape kernel build"' });
  const change = await fetchChange(store, kernel, options.input);
  const files = parseDiff(change.text, change.where);
  refuseBuildFiles(files, change.where);
  const texts = await oldTexts(layout.build, files.map(({ path }) => path));
  const findings = lint(files, (path) => texts.get(path));
  refuseBlocking(findings);
  const fit = await tryPatch(layout.build, kernel.toolchain, change.text);

  const engine = engineFor(kernel.version);
  const moduleName = moduleNameOf(built.buildId, change.cves, change.text);
  const id = randomUUID();
  const folder = join(options.dataDirectory, 'livepatches');
  const work = join(folder, `${id}.part`);
  const log = join(folder, `${id}.log`);
  await mkdir(work, { recursive: true });
  await writeFile(log, '');
  const onOutput = (text: string): void => {
    void appendFile(log, text);
    options.onOutput(text);
  };
  try {
    const job = { layout, toolchain: kernel.toolchain, patch: change.text, moduleName, jobs: options.jobs, work, signal: options.signal, onOutput };
    const module = await buildModule(engine, job, built.release, profile, files.map(({ path }) => path));
    const recipe: LivepatchRecipe = {
      engine: engine.name,
      engineVersion: module.engineVersion,
      compiler: kernel.toolchain.compiler,
      buildId: built.buildId,
      kernelRelease: built.release,
      cves: change.cves,
      fixCommits: change.commits,
      patchSha256: sha256(change.text),
      functions: module.functions,
    };
    const directory = await keep(folder, id, work, log, { module: module.bytes, patch: change.text, recipe });
    await addLivepatch(store.db, { id, kernelId: kernel.id, moduleName, moduleSha256: module.sha256, directory, recipe, builtAt: clock.now() });
    return { livepatch: await needLivepatch(store.db, id), fit, findings, seconds: (clock.monotonicMs() - started) / 1000 };
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    throw withLog(error, log);
  }
}

async function keep(folder: string, id: string, work: string, log: string, content: { module: Buffer; patch: string; recipe: LivepatchRecipe }): Promise<string> {
  const staging = join(folder, `${id}.new`);
  await mkdir(staging);
  await writeAtomic(join(staging, 'module.ko'), content.module);
  await writeAtomic(join(staging, 'change.patch'), content.patch);
  await writeAtomic(join(staging, 'recipe.json'), `${JSON.stringify(content.recipe, null, 2)}\n`);
  await rename(log, join(staging, 'build.log'));
  await rm(work, { recursive: true, force: true });
  await rename(staging, join(folder, id));
  return join(folder, id);
}

/** The work folder of a failed build is gone; its log is what the reader is sent to. */
function withLog(error: unknown, log: string): unknown {
  if (!(error instanceof LivepatchError)) return error;
  return new LivepatchError(error.code, error.fault, { what: error.message, where: log, remedy: error.remedy, cause: error.cause });
}

async function fetchChange(store: Store, kernel: KernelRow, input: LivepatchInput): Promise<Change> {
  if ('patchFile' in input) return { text: await readPatchFile(input.patchFile), where: input.patchFile, cves: [], commits: [] };
  const row = await getCve(store.db, input.cve);
  if (!row) throw new StoreError('not-found', 'input', { what: 'this CVE is not known', where: input.cve, remedy: 'run "tuxtape feed sync"' });
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
