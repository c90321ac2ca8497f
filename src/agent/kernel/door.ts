import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildIdOfNotes } from '#domain';
import { errno, ProgramError, run } from '#host';
import type { KernelDoor } from '../doors.ts';
import { AgentError } from '../error.ts';
import { readKmsg } from './kmsg.ts';
import { livepatches, replaced } from './livepatches.ts';
import { loadBytes } from './load.ts';
import { blockers, sleepers } from './tasks.ts';
import { textOf } from './text.ts';

const SYSFS = '/sys/kernel/livepatch';
const REMOVE_TIMEOUT_MS = 30_000;

/** The kernel of this machine. `work`: a folder that only root can write to. */
export function linuxKernel(work: string): KernelDoor {
  return {
    buildId,
    release: async () => (await textOf('/proc/sys/kernel/osrelease')) ?? 'unknown',
    bootId: async () => (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim(),
    uptime: async () => Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0]),
    livepatches: () => livepatches(SYSFS),
    modules: async () =>
      new Set(((await textOf('/proc/modules')) ?? '').split('\n').flatMap((line) => /^\S+/.exec(line) ?? [])),
    load: (module) => loadBytes(module, work),
    disable: (name) => disable(SYSFS, name),
    remove,
    blockers: (name) => blockers('/proc', join(SYSFS, name)),
    sleepers: () => sleepers('/proc'),
    replaced: (name) => replaced(SYSFS, name),
    kernelLog: (take) => readKmsg('/dev/kmsg', take),
  };
}

async function buildId(): Promise<string> {
  const id = buildIdOfNotes(await readFile('/sys/kernel/notes').catch(() => Buffer.alloc(0)));
  if (id !== undefined) return id;
  throw new AgentError('unknown-kernel', 'input', {
    what: 'the running kernel has no build-id',
    where: '/sys/kernel/notes',
    remedy: 'build it with a build-id (ld --build-id); until then its exposure is unknown, not none',
  });
}

/** EINVAL: it is off already; ENOENT, ENODEV: it went while it was written to; EBUSY: the plan looks again. */
export async function disable(sysfs: string, name: string): Promise<void> {
  await writeFile(join(sysfs, name, 'enabled'), '0').catch((error: unknown) => {
    if (!['EINVAL', 'ENOENT', 'ENODEV', 'EBUSY'].includes(errno(error) ?? '')) throw error;
  });
}

async function remove(name: string): Promise<boolean> {
  try {
    await run('rmmod', [name], { timeoutMs: REMOVE_TIMEOUT_MS });
    return true;
  } catch (error) {
    if (error instanceof ProgramError) return false;
    throw error;
  }
}
