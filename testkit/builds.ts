import assert from 'node:assert/strict';
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '#host';
import { addKernelFromSource, type BuildDoors, requestBuild } from '#pipeline';
import { type KernelBuildRow, type KernelRow, loadProfile, needBuild, needKernel, openQueue, openStore } from '#store';
import { databaseUrl } from './database.ts';
import { scratch } from './scratch.ts';
import { type TinyVariant, tinyKernel } from './tiny-kernel.ts';

/** A database with a queue, for this process and, by its address, for others. */
export interface BuildPlace extends BuildDoors {
  readonly url: string;
  readonly home: string;
}

export async function buildPlace(): Promise<BuildPlace> {
  const url = await databaseUrl();
  const home = await scratch();
  const store = await openStore({ dataDirectory: home, databaseUrl: url });
  const queue = await openQueue(store);
  after(async () => {
    await queue.close();
    await store.close();
  });
  return { url, home, store, queue, clock: systemClock };
}

/** What another program needs to work in this place. */
export function environmentOf({ url, home }: BuildPlace): Record<string, string> {
  return { TUXTAPE_DATA: join(home, 'data'), DATABASE_URL: url };
}

/** Adds a tiny kernel under its variant's name, or another. */
export async function addTiny(
  place: BuildPlace,
  variant: TinyVariant = 'plain',
  name: string = variant,
): Promise<KernelRow> {
  const given = await tinyKernel(join(place.home, name), variant);
  // A configuration of its own: else kernels of one second share a tree.
  await appendFile(given.config, `# ${name}\n`);
  const { kernel } = await addKernelFromSource({
    store: place.store,
    trees: join(place.home, 'trees'),
    name,
    chroot: null,
    acceptChanges: false,
    ...given,
  });
  return kernel;
}

export const plainCaps = { jobs: 1, timeoutSeconds: 300, memoryBytes: null, diskBytes: null };

export async function ask(
  place: BuildPlace,
  kernel: string,
  caps: Partial<typeof plainCaps> | { memoryBytes?: number; diskBytes?: number; timeoutSeconds?: number } = {},
): Promise<KernelBuildRow> {
  return (await requestBuild(place, { kernel, by: 'test', ...plainCaps, ...caps })).build;
}

/** Waits until a build is so; fails after a minute. */
export async function until(
  place: BuildPlace,
  id: string,
  wanted: (build: KernelBuildRow) => boolean,
): Promise<KernelBuildRow> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const build = await needBuild(place.store.db, id);
    if (wanted(build)) return build;
    if (performance.now() > deadline) throw new TypeError(`the build is ${JSON.stringify(build)}`);
    await sleep(50);
  }
}

/** What the slow kernel's make wrote last; it changes ten times a second while make lives. */
export async function beat(kernel: KernelRow): Promise<string> {
  return readFile(join(kernel.treeDirectory, 'build/beat'), 'utf8').catch(() => '');
}

/** Makes a slow kernel's make end soon. */
export async function hasten({ treeDirectory }: KernelRow): Promise<void> {
  const makefile = join(treeDirectory, 'build/Makefile');
  await writeFile(makefile, (await readFile(makefile, 'utf8')).replace('-lt 600', '-lt 3'));
}

/** Has this kernel's make ended? */
export async function isStill(kernel: KernelRow): Promise<boolean> {
  const before = await beat(kernel);
  await sleep(400);
  return (await beat(kernel)) === before;
}

/** This kernel is still only added: it has no profile, and nothing of a result, whole or half. */
export async function nothingCame({ store: { db } }: BuildPlace, kernel: KernelRow): Promise<void> {
  assert.equal((await needKernel(db, kernel.id)).state, 'added');
  assert.equal(await loadProfile(db, kernel.id), undefined, 'no profile');
  const left = await readdir(kernel.treeDirectory);
  const results = left.filter((name) => name.startsWith('out') || name === 'build.lock');
  assert.deepEqual(results, [], 'no result, whole or half');
}
