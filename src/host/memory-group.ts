import { accessSync, constants, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const CGROUPS = '/sys/fs/cgroup';
let made = 0;

/** A cgroup that bounds the memory of all processes in it; its processes are killed together (memory.oom.group). */
export interface MemoryGroup {
  /** File that a process writes its number to, to join. */
  readonly procs: string;
  /** How often the kernel killed in it. */
  kills(): number;
  /** Removes it, once its processes have ended. */
  remove(): void;
}

/**
 * Makes a memory cgroup beside our own, where the machine lets us: cgroup v2 with the memory controller handed down to a
 * folder that we may write (Documentation/admin-guide/cgroup-v2.rst, "Delegation"). Undefined where it does not.
 */
export function makeMemoryGroup(bytes: number, root = CGROUPS): MemoryGroup | undefined {
  try {
    const own = /^0::(\/.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
    const parent = join(root, own, '..');
    const home = parent.startsWith(root) ? parent : root;
    if (!readFileSync(join(home, 'cgroup.subtree_control'), 'utf8').split(/\s+/).includes('memory')) return undefined;
    // Joining needs the right to write where both folders meet.
    accessSync(join(home, 'cgroup.procs'), constants.W_OK);
    made += 1;
    const folder = join(home, `tuxtape-${process.pid}-${made}`);
    mkdirSync(folder);
    return fill(folder, bytes);
  } catch {
    return undefined;
  }
}

function fill(folder: string, bytes: number): MemoryGroup | undefined {
  const remove = (): void => {
    try {
      rmdirSync(folder);
    } catch {
      // A process of it is still ending: an empty cgroup left behind does nothing.
    }
  };
  try {
    writeFileSync(join(folder, 'memory.max'), String(bytes));
    writeFileSync(join(folder, 'memory.swap.max'), '0');
    writeFileSync(join(folder, 'memory.oom.group'), '1');
  } catch {
    remove();
    return undefined;
  }
  const kills = (): number => {
    try {
      return Number(/^oom_kill (\d+)$/m.exec(readFileSync(join(folder, 'memory.events'), 'utf8'))?.[1] ?? 0);
    } catch {
      return 0;
    }
  };
  return { procs: join(folder, 'cgroup.procs'), kills, remove };
}
