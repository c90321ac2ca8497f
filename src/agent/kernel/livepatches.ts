import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { PatchedFunction } from '#domain';
import type { LoadedLivepatch } from '../plan/observation.ts';
import { textOf } from './text.ts';

/** Every livepatch of the kernel, ours and others (ABI/testing/sysfs-kernel-livepatch). */
export async function livepatches(sysfs: string): Promise<LoadedLivepatch[]> {
  const found: LoadedLivepatch[] = [];
  for (const name of await readdir(sysfs).catch(() => [])) {
    const enabled = await textOf(join(sysfs, name, 'enabled'));
    const transition = await textOf(join(sysfs, name, 'transition'));
    if (enabled !== undefined) found.push({ name, enabled: enabled === '1', transition: transition === '1' });
  }
  return found;
}

/** `<livepatch>/<object>/<function>,<position>` */
export async function replaced(sysfs: string, name: string): Promise<PatchedFunction[]> {
  const found: PatchedFunction[] = [];
  for (const object of await readdir(join(sysfs, name)).catch(() => [])) {
    for (const entry of await readdir(join(sysfs, name, object)).catch(() => [])) {
      const symbol = /^(.+),\d+$/.exec(entry)?.[1];
      if (symbol !== undefined) found.push({ object, name: symbol });
    }
  }
  return found;
}
