/** The long proof, on the kernel of the short one: every given fix, and builds that are killed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { type GateRecord, type LivepatchRecipe, type Profile, StageError } from '#domain';
import { plainEnvironment } from '#host';
import { readProfile, treeLayout } from '#kernel';
import { lintTree, parseDiff, refuseBlocking, refuseBuildFiles, tryPatch } from '#patch';
import { cacheRoot } from './prepare/cache.ts';
import { type Cli, cliIn, failing } from './prepare/cli.ts';
import { type BuiltKernel, builtKernel, source61, sourceOr } from './prepare/kernels.ts';
import { compiledFixes, sharedFixes } from './prepare/shared.ts';

/** How many of the fixes that pass every check are built and proved: each is booted. */
const BUILDS = Number(process.env['TUXTAPE_E2E_BUILDS'] ?? 8);
/** Where a build is killed: while it is prepared, while objects are compiled, while the module is linked. */
const KILL_AFTER_MS = [300, 1_500, 3_000];
const TUXTAPE = join(import.meta.dirname, '../../bin/tuxtape');

const fixes = sharedFixes();
const skip =
  process.env['E2E_FULL'] === undefined
    ? 'only in the long proof'
    : fixes === undefined && '../shared is not there: no fixes';

const cache = cacheRoot();
let data: string;
let tuxtape: Cli;
let kernel: BuiltKernel | undefined;
/** Fixes that nothing speaks against. */
const candidates: string[] = [];

before(async () => {
  data = await mkdtemp(join(tmpdir(), 'tuxtape-e2e-'));
  tuxtape = cliIn(data, join(cache, 'kernels'));
});
after(() => rm(data, { recursive: true, force: true }));

test('every given fix of a compiled file is taken, or refused with a code', { skip }, async (t) => {
  const toolchain = join(cache, 'toolchain/trixie');
  await tuxtape('toolchain', 'make', toolchain);
  const source = await sourceOr(t, () => source61(cache));
  if (source === undefined) return;
  kernel = await builtKernel(tuxtape, cache, 'server', source, toolchain);
  const outcomes = new Map<string, number>();
  const profile = await readProfile(treeLayout(kernel.treeDirectory).build);
  for (const { path, text } of await compiledFixes(kernel, fixes!)) {
    const outcome = await outcomeOf(kernel, profile, text, path);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (outcome === 'exact' || outcome === 'offset') candidates.push(join(fixes!, path));
  }
  console.log(`  ${[...outcomes].map(([outcome, count]) => `${outcome}: ${count}`).join(', ')}`);
  assert.ok(candidates.length >= BUILDS, `${candidates.length} fixes can be built`);
});

test('fixes spread over the kernel are built and proved, or refused by the engine with a code', { skip }, async (t) => {
  if (kernel === undefined) return t.skip('there is no kernel');
  let proved = 0;
  for (const path of spread(candidates, BUILDS)) {
    const built = await codeOr(tuxtape('livepatch', 'build', '--kernel', kernel.name, '--patch', path));
    if (typeof built === 'string') {
      console.log(`  ${basename(path)}: ${built}`);
      continue;
    }
    const { livepatch } = built as { livepatch: Livepatch };
    await tuxtape('livepatch', 'verify', livepatch.id);
    const { gate, recipe } = (await tuxtape('livepatch', 'show', livepatch.id)) as Livepatch;
    console.log(`  ${basename(path)}: ${recipe.functions.map(({ name }) => name).join(', ')}`);
    assert.equal(gate.passed, true);
    proved += 1;
  }
  assert.ok(proved > 0, 'no fix came through');
});

test('a build that is killed leaves nothing behind, and the next one works', { skip }, async (t) => {
  const [path] = candidates;
  if (kernel === undefined || path === undefined) return t.skip('there is nothing to build');
  const args = ['livepatch', 'build', '--kernel', kernel.name, '--patch', path];
  for (const ms of KILL_AFTER_MS) await killedAfter(ms, args);
  const { livepatch } = (await tuxtape(...args)) as { livepatch: Livepatch };
  const left = (await readdir(join(data, 'livepatches'))).filter((name) => /\.(?:part|new|owner)$/.test(name));
  assert.deepEqual(left, []);
  await tuxtape('livepatch', 'verify', livepatch.id);
});

interface Livepatch {
  readonly id: string;
  readonly recipe: LivepatchRecipe;
  readonly gate: GateRecord;
}

/** How a patch fits, or the code it is refused with; anything else is a defect of ours. */
async function outcomeOf(
  { treeDirectory, toolchain }: BuiltKernel,
  profile: Profile,
  text: string,
  path: string,
): Promise<string> {
  const tree = treeLayout(treeDirectory).build;
  try {
    const files = parseDiff(text, path);
    refuseBuildFiles(files, path);
    refuseBlocking(await lintTree(tree, files, profile));
    return (await tryPatch(tree, toolchain, text)).how;
  } catch (error) {
    if (error instanceof StageError) return String(error.code);
    throw error;
  }
}

/** `count` members, evenly spread. */
function spread<T>(all: readonly T[], count: number): T[] {
  return all.filter(
    (_, index) => Math.floor((index * count) / all.length) !== Math.floor(((index - 1) * count) / all.length),
  );
}

/** What the command printed, or the code of its error. */
async function codeOr(command: Promise<unknown>): Promise<unknown> {
  try {
    return await command;
  } catch {
    return (await failing(command)).error.code;
  }
}

async function killedAfter(ms: number, args: readonly string[]): Promise<void> {
  const env = plainEnvironment({ TUXTAPE_DATA: data, TUXTAPE_KERNEL_TREES: join(cache, 'kernels') });
  const child = spawn(TUXTAPE, args, { env, stdio: 'ignore' });
  const timer = setTimeout(() => child.kill('SIGKILL'), ms);
  const [code, signal] = await once(child, 'exit');
  clearTimeout(timer);
  console.log(`  killed after ${ms / 1000} s (exit code ${code}, ${signal})`);
}
