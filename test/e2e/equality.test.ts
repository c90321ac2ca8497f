/** A module of ours against the one that the untouched kpatch-build makes of the same patch. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ProgramError } from '#host';
import { cacheRoot } from './prepare/cache.ts';
import { type Cli, failing } from './prepare/cli.ts';
import { type BuiltKernel, builtKernel, source61, sourceOr } from './prepare/kernels.ts';
import { fixes, type OwnData, ownData, skip } from './prepare/long-proof.ts';
import { moduleContents } from './prepare/module-contents.ts';
import { plainKpatch } from './prepare/plain-kpatch.ts';
import { compiledFixes } from './prepare/shared.ts';

/** Fewer than all, for a look in between. */
const BUILDS = Number(process.env['TUXTAPE_E2E_BUILDS'] ?? Number.POSITIVE_INFINITY);
const cache = cacheRoot();
let own: OwnData;
let data: string;
let tuxtape: Cli;

before(async () => {
  own = await ownData();
  ({ data, tuxtape } = own);
});
after(() => own[Symbol.asyncDispose]());

test('of every given fix that kpatch-build builds, ours has the same functions, data and relocations', {
  skip,
}, async (t) => {
  const toolchain = join(cache, 'toolchain/trixie');
  await tuxtape('toolchain', 'make', toolchain);
  const source = await sourceOr(t, () => source61(cache));
  if (source === undefined) return;
  const kernel = await builtKernel(tuxtape, cache, 'server', source, toolchain);
  const rows: Row[] = [];
  for (const { path } of (await compiledFixes(kernel, fixes!)).slice(0, BUILDS)) {
    const row = await compared(kernel, join(fixes!, path));
    console.log(
      `  ${path.slice(0, 12)} ours: ${row.ours}; plain: ${row.plain}${row.different.map((name) => `\n    ${name}`).join('')}`,
    );
    rows.push(row);
  }
  const plain = rows.filter(({ plain }) => plain === 'built');
  const both = plain.filter(({ ours }) => ours === 'built');
  const ours = rows.filter(({ ours }) => ours === 'built');
  console.log(
    `  ${rows.length} fixes: plain kpatch-build makes ${plain.length} modules, we make ${ours.length}, both ${both.length}`,
  );
  assert.ok(both.length > 0);
  assert.deepEqual(
    both.flatMap(({ different }) => different),
    [],
  );
});

interface Row {
  /** `built`, or the code of the refusal. */
  readonly ours: string;
  /** `built`, or the last line of what it said. */
  readonly plain: string;
  /** Sections whose bytes or relocations are not the same. */
  readonly different: readonly string[];
}

async function compared(kernel: BuiltKernel, patch: string): Promise<Row> {
  const built = await ourModule(kernel.name, patch);
  const name = typeof built === 'string' ? 'tuxtape_plain' : built.name;
  const plain = await plainModule(kernel, patch, name);
  const different = typeof built === 'string' || typeof plain === 'string' ? [] : differences(built.module, plain);
  return {
    ours: typeof built === 'string' ? built : 'built',
    plain: typeof plain === 'string' ? plain : 'built',
    different,
  };
}

async function ourModule(kernel: string, patch: string): Promise<{ name: string; module: Buffer } | string> {
  const command = tuxtape('livepatch', 'build', '--kernel', kernel, '--patch', patch);
  try {
    const { livepatch } = (await command) as { livepatch: { id: string; moduleName: string } };
    return { name: livepatch.moduleName, module: await readFile(join(data, 'livepatches', livepatch.id, 'module.ko')) };
  } catch {
    return (await failing(command)).error.code;
  }
}

async function plainModule(kernel: BuiltKernel, patch: string, name: string): Promise<Buffer | string> {
  try {
    return await plainKpatch(cache, kernel, patch, name);
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    return (
      `${error.stdout}\n${error.stderr}`
        .trim()
        .split('\n')
        .findLast((line) => /ERROR|error/.test(line)) ?? error.message
    );
  }
}

function differences(ours: Buffer, plain: Buffer): string[] {
  const [a, b] = [moduleContents(ours), moduleContents(plain)];
  return [...new Set([...a.keys(), ...b.keys()])].filter((name) => a.get(name) !== b.get(name));
}
