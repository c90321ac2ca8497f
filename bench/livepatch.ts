/**
 * A livepatch of a one-file change, on the built kernels of the end-to-end proof: from patch text to module, and what of that is
 * compiling. Processor time is that of the whole machine, because what runs in the sandbox is counted nowhere else: measure
 * when nothing else runs. Baseline: compiling the one object once, by its saved command.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Profile, Toolchain } from '#domain';
import { compileObject, overlay, readBuilt, readProfile, type TreeLayout, treeLayout } from '#kernel';
import { buildModule, engineFor, moduleNameOf } from '#livepatch';
import { parseDiff } from '#patch';
import { cacheRoot } from '../test/e2e/prepare/cache.ts';
import { machine } from './measure.ts';

const RUNS = 5;
const PATCHES = join(import.meta.dirname, '../test/e2e/patches');

interface Cost {
  readonly wall: number;
  readonly processor: number;
}

function busySeconds(): number {
  return cpus().reduce((sum, { times: { user, sys, nice } }) => sum + user + sys + nice, 0) / 1000;
}

/** The middle one of several runs. */
async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const costs: Cost[] = [];
  for (let i = 0; i < RUNS; i += 1) {
    const [wall, processor] = [performance.now(), busySeconds()];
    await work();
    costs.push({ wall: (performance.now() - wall) / 1000, processor: busySeconds() - processor });
  }
  return costs.toSorted((a, b) => a.wall - b.wall)[RUNS >> 1]!;
}

async function build(layout: TreeLayout, toolchain: Toolchain, profile: Profile, patch: string): Promise<string> {
  const built = (await readBuilt(layout))!;
  const work = await mkdtemp(join(tmpdir(), 'tuxtape-bench-'));
  try {
    const moduleName = moduleNameOf(built.buildId, [], patch);
    const { version } = built;
    const job = { layout, toolchain, version, profile, patch, moduleName, jobs: cpus().length, work };
    const quiet = { wantsTypes: false, inspect: () => Promise.resolve(), onOutput: () => {} };
    const { functions } = await buildModule(engineFor(version), { ...job, ...quiet }, built.release);
    return functions.map(({ name }) => name).join(', ');
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function bench(directory: string): Promise<void> {
  const layout = treeLayout(directory);
  const built = await readBuilt(layout);
  const name = readdirSync(PATCHES).find((file) =>
    file.startsWith(built?.version.split('.').slice(0, 2).join('.') ?? '-'),
  );
  if (built === undefined || name === undefined) return;
  const { toolchain } = JSON.parse(readFileSync(join(directory, 'kernel.json'), 'utf8')) as { toolchain: Toolchain };
  const profile = await readProfile(layout.build);
  const patch = readFileSync(join(PATCHES, name), 'utf8');
  const [file] = parseDiff(patch, name);
  const object = profile.objects[profile.files.get(file!.path)![0]!]!.object;
  await using nothing = await overlay(layout.build, new Map());
  const compile = { tree: layout.build, toolchain, object, overlay: nothing, finished: true };
  const one = await costOf(() => compileObject(compile));
  const text = ({ wall, processor }: Cost): string =>
    `${wall.toFixed(2)} s, ${processor.toFixed(2)} s of processor time`;
  console.log(`${built.version}, ${engineFor(built.version).name}: baseline, ${object} compiled once: ${text(one)}`);
  let functions = '';
  const whole = await costOf(async () => {
    functions = await build(layout, toolchain, profile, patch);
  });
  console.log(`  patch to module (${functions}): ${text(whole)}, ${(whole.wall / one.wall).toFixed(1)} × baseline`);
  const perHour = Math.round(3600 / whole.processor);
  console.log(`  ${perHour} builds an hour and core; ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`);
}

const trees = join(cacheRoot(), 'kernels');
console.log(`livepatch of a one-file change, ${machine()}`);
const names = existsSync(trees) ? readdirSync(trees).filter((name) => existsSync(join(trees, name, 'out'))) : [];
if (names.length === 0) console.log('skipped: no kernel is built yet, run "make e2e"');
for (const name of names) await bench(join(trees, name));
