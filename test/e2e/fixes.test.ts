/** The long proof, on the kernel of the short one: every given fix, and builds that are killed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { exerciseOf, type GateRecord, type LivepatchRecipe } from '#domain';
import { plainEnvironment } from '#host';
import { cacheRoot } from './prepare/cache.ts';
import { type Cli, failing } from './prepare/cli.ts';
import { type BuiltKernel, builtKernel, source61, sourceOr } from './prepare/kernels.ts';
import { fixes, type OwnData, ownData, skip } from './prepare/long-proof.ts';
import { compiledFixes } from './prepare/shared.ts';

/** Fewer than all, for a look in between. */
const BUILDS = Number(process.env['TUXTAPE_E2E_BUILDS'] ?? Number.POSITIVE_INFINITY);
/** Proved in one command; a machine is booted again when one of them ends it. */
const TOGETHER = 12;
/** Of the fixes that change code and have no hazard of another kind, so many become modules. */
const LEAST_SHARE = 0.9;
/** Codes of hazards and gaps that no engine can answer: layout, static data, missing hunks, code that is not traced, the build itself. */
const HAZARD =
  /^(?:layout-|state-moved$|data-|section-changed$|export-changed$|compile-failed$|assembly-|patch-touches-build$|object-|pair-|static-|header-)/;
/** Where a build is killed: while it is prepared, while objects are compiled, while the module is linked. */
const KILL_AFTER_MS = [300, 1_500, 3_000];
const TUXTAPE = join(import.meta.dirname, '../../bin/tuxtape');

const cache = cacheRoot();
let own: OwnData;
let data: string;
let tuxtape: Cli;
let kernel: BuiltKernel | undefined;
/** Fixes that became proved modules. */
const proved: string[] = [];

before(async () => {
  own = await ownData();
  ({ data, tuxtape } = own);
});
after(() => own[Symbol.asyncDispose]());

test('every fix that changes code becomes a proved module, or is refused with its hazard', { skip }, async (t) => {
  const toolchain = join(cache, 'toolchain/trixie');
  await tuxtape('toolchain', 'make', toolchain);
  const source = await sourceOr(t, () => source61(cache));
  if (source === undefined) return;
  kernel = await builtKernel(tuxtape, cache, 'server', source, toolchain);
  const rows: Row[] = [];
  for (const { path } of (await compiledFixes(kernel, fixes!)).slice(0, BUILDS)) rows.push(await rowOf(kernel, path));
  await prove(rows.filter(({ livepatch }) => livepatch !== null));
  for (const row of rows) console.log(`  ${row.path.slice(0, 12)} ${row.seconds.toFixed(1)} s  ${wordsOf(row)}`);
  const changing = rows.filter(({ refused }) => refused !== 'nothing-changed');
  const open = changing.filter(({ refused }) => refused === null || !HAZARD.test(refused));
  const good = rows.filter(({ gate }) => gate?.passed === true);
  console.log(
    `  ${rows.length} fixes of compiled files, ${changing.length} change code, ${good.length} are proved modules`,
  );
  console.log(
    `  ${good.length} of ${open.length} that have no hazard of layout, data, missing hunk, assembly or build`,
  );
  assert.ok(good.length >= LEAST_SHARE * open.length);
  proved.push(...good.map(({ path }) => join(fixes!, path)));
});

test('a build that is killed leaves nothing behind, and the next one works', { skip }, async (t) => {
  const [path] = proved;
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

/** What became of one fix. */
interface Row {
  readonly path: string;
  /** Code of what refused it; null: it was built. */
  readonly refused: string | null;
  readonly livepatch: Livepatch | null;
  /** Seconds of the build, or until it was refused. */
  readonly seconds: number;
  gate?: GateRecord;
}

async function rowOf({ name }: BuiltKernel, path: string): Promise<Row> {
  const started = performance.now();
  const built = await codeOr(tuxtape('livepatch', 'build', '--kernel', name, '--patch', join(fixes!, path)));
  const seconds = (performance.now() - started) / 1000;
  if (typeof built === 'string') return { path, refused: built, livepatch: null, seconds };
  return { path, refused: null, livepatch: (built as { livepatch: Livepatch }).livepatch, seconds };
}

async function prove(rows: readonly Row[]): Promise<void> {
  for (let start = 0; start < rows.length; start += TOGETHER) {
    const some = rows.slice(start, start + TOGETHER);
    // Its exit code says that one did not pass; which one, the records say.
    await tuxtape('livepatch', 'verify', ...some.map(({ livepatch }) => livepatch!.id)).catch(() => undefined);
    for (const row of some) row.gate = ((await tuxtape('livepatch', 'show', row.livepatch!.id)) as Livepatch).gate;
  }
}

function wordsOf({ refused, gate, livepatch }: Row): string {
  if (refused !== null) return `refused: ${refused}`;
  const failed = gate?.checks.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name) ?? ['no record'];
  const state = gate?.passed === true ? `proved, ${exerciseOf(gate.functions)}` : `NOT proved: ${failed.join(', ')}`;
  return `${state}: ${livepatch!.recipe.functions.map(({ object, name }) => `${object}:${name}`).join(' ')}`;
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
