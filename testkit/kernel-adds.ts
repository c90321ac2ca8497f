import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { addKernelFromSource } from '#pipeline';
import { findKernel, type Store } from '#store';
import { testStore } from './database.ts';
import { scratch } from './scratch.ts';
import { tinyKernel } from './tiny-kernel.ts';

/** A store, a tiny kernel's source and configuration, and a folder for trees. */
export interface KernelSetting {
  readonly store: Store;
  readonly home: string;
  readonly source: string;
  readonly config: string;
  readonly trees: string;
}

export async function kernelSetting(): Promise<KernelSetting> {
  const home = await scratch();
  return { store: await testStore(), home, ...(await tinyKernel(home)), trees: join(home, 'trees') };
}

type AddOptions = Parameters<typeof addKernelFromSource>[0];

/** Adds the kernel "tiny" as the setting says, but for `part`. */
export function addTiny(given: KernelSetting, part: Partial<AddOptions> = {}): ReturnType<typeof addKernelFromSource> {
  const { store, trees, source, config, home } = given;
  const mirrors = join(home, 'mirrors');
  return addKernelFromSource({
    ...{ store, trees, mirrors, source, config },
    ...{ name: 'tiny', chroot: null, acceptChanges: false },
    ...part,
  });
}

/** Neither row, nor tree, nor anything half unpacked. */
export async function assertNothingAdded({ store, trees }: KernelSetting): Promise<void> {
  assert.equal(await findKernel(store.db, 'tiny'), undefined);
  assert.deepEqual(await readdir(trees).catch(() => []), []);
}
