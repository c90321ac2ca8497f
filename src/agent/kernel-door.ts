import { open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildIdOfNotes, type PatchedFunction } from '#domain';
import { ProgramError, run, sha256 } from '#host';
import { AgentError } from './error.ts';
import { readKmsg } from './kmsg.ts';
import type { LoadedLivepatch } from './plan.ts';

const INSMOD_TIMEOUT_MS = 60_000;
const SYSFS = '/sys/kernel/livepatch';

/** The running kernel, as far as the agent touches it. */
export interface KernelDoor {
  buildId(): Promise<string>;
  release(): Promise<string>;
  bootId(): Promise<string>;
  livepatches(): Promise<LoadedLivepatch[]>;
  /** Loads exactly these bytes. Errors: load-failed. */
  load(module: Buffer, work: string): Promise<void>;
  /** Starts to take a livepatch off. */
  disable(name: string): Promise<void>;
  /** Tasks that hold up the transition of a livepatch, with their stacks. */
  blockers(name: string): Promise<string[]>;
  /** The functions that a loaded livepatch replaces. */
  replaced(name: string): Promise<PatchedFunction[]>;
  /** The kernel log so far, as records of /dev/kmsg. Errors: kernel-log-unreadable. */
  kernelLog(take: (record: Uint8Array) => void): Promise<void>;
}

async function text(path: string): Promise<string | undefined> {
  // Entries of sysfs and proc vanish while they are read: that is an answer, not a fault.
  return readFile(path, 'utf8')
    .then((content) => content.trim())
    .catch(() => undefined);
}

export const linuxKernel: KernelDoor = {
  async buildId() {
    const id = buildIdOfNotes(await readFile('/sys/kernel/notes'));
    if (id === undefined)
      throw new AgentError('unknown-kernel', 'input', {
        what: 'the running kernel has no build-id',
        where: '/sys/kernel/notes',
      });
    return id;
  },
  release: async () => (await text('/proc/sys/kernel/osrelease')) ?? 'unknown',
  bootId: async () => (await text('/proc/sys/kernel/random/boot_id')) ?? 'unknown',
  async livepatches() {
    const names = await readdir(SYSFS).catch(() => []);
    const found: LoadedLivepatch[] = [];
    for (const name of names) {
      const [enabled, transition] = [
        await text(join(SYSFS, name, 'enabled')),
        await text(join(SYSFS, name, 'transition')),
      ];
      if (enabled !== undefined) found.push({ name, enabled: enabled === '1', transition: transition === '1' });
    }
    return found;
  },
  load: loadBytes,
  disable: (name) => writeFile(join(SYSFS, name, 'enabled'), '0'),
  blockers,
  replaced,
  kernelLog: (take) => readKmsg('/dev/kmsg', take),
};

/** `<livepatch>/<object>/<function>,<position>` (ABI/testing/sysfs-kernel-livepatch). */
async function replaced(name: string): Promise<PatchedFunction[]> {
  const found: PatchedFunction[] = [];
  for (const object of await readdir(join(SYSFS, name)).catch(() => [])) {
    for (const entry of await readdir(join(SYSFS, name, object)).catch(() => [])) {
      const symbol = /^(.+),\d+$/.exec(entry)?.[1];
      if (symbol !== undefined) found.push({ object, name: symbol });
    }
  }
  return found;
}

/**
 * Loads the very bytes that were verified: they go into a file that is opened read-only and unlinked, hashed again through
 * that descriptor, and insmod gets the descriptor. Nobody can swap the file between the check and the load.
 */
async function loadBytes(module: Buffer, work: string): Promise<void> {
  const path = join(work, `load-${process.pid}.ko`);
  await writeFile(path, module, { mode: 0o400, flag: 'wx' });
  const handle = await open(path, 'r');
  try {
    await rm(path);
    const held = await handle.readFile();
    if (sha256(held) !== sha256(module))
      throw new AgentError('load-failed', 'untrusted', {
        what: 'the module changed while it was written',
        where: path,
      });
    await run('insmod', ['/proc/self/fd/3'], { timeoutMs: INSMOD_TIMEOUT_MS, descriptors: [handle.fd] });
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    throw new AgentError('load-failed', 'patch', {
      what: `the kernel refused the module: ${error.stderr.trim().split('\n').at(-1) ?? ''}`,
      remedy: 'see the kernel log of this host',
      cause: error,
    });
  } finally {
    await handle.close();
  }
}

async function blockers(name: string): Promise<string[]> {
  const goal = await text(join(SYSFS, name, 'enabled'));
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    for (const tid of await readdir(`/proc/${pid}/task`).catch(() => [])) {
      const task = `/proc/${pid}/task/${tid}`;
      const state = await text(`${task}/patch_state`);
      if (state !== undefined && state !== '-1' && state !== goal)
        found.push(
          `${tid} ${await text(`${task}/comm`)}: ${(await text(`${task}/stack`))?.split('\n')[0] ?? 'no stack'}`,
        );
    }
  }
  return found;
}
