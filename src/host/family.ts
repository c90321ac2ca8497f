import { readdirSync, readFileSync } from 'node:fs';

/** What a program and all that descend from it may use together. */
export interface FamilyLimits {
  /** Bytes, as `usageOf` counts them. */
  readonly memoryBytes: number;
  readonly processes: number;
}

export interface FamilyUsage {
  /**
   * Bytes that they hold for themselves: anonymous and shared pages and what was swapped out (proc(5), status). Pages of files
   * are left out: they are given back under pressure.
   */
  readonly memoryBytes: number;
  readonly processes: number;
}

const SAMPLE_MS = 500;
const MIB = 2 ** 20;

/**
 * Looks twice a second at what the family of a process uses, and calls `stop` with words for what is too much. A family that
 * grows faster than that is stopped late, not never: the sandbox ends with its first process. Returns what ends the watch.
 */
export function watchFamily(root: number, limits: FamilyLimits, stop: (what: string) => void): () => void {
  const sampler = setInterval(() => {
    const { memoryBytes, processes } = usageOf(root);
    if (processes > limits.processes) stop(`started ${processes} processes, ${limits.processes} are allowed`);
    else if (memoryBytes > limits.memoryBytes)
      stop(
        `held ${Math.round(memoryBytes / MIB)} MiB of memory, ${Math.round(limits.memoryBytes / MIB)} MiB are allowed`,
      );
  }, SAMPLE_MS);
  return () => clearInterval(sampler);
}

/** Of a process and all that descend from it. Seen from outside, so that it works for a sandbox with a process namespace of its own. */
export function usageOf(root: number): FamilyUsage {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(Number(name));
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  let [memoryBytes, processes] = [0, 0];
  const family = [root];
  for (let pid = family.pop(); pid !== undefined; pid = family.pop()) {
    memoryBytes += ownMemory(pid);
    processes += 1;
    family.push(...(children.get(pid) ?? []));
  }
  return { memoryBytes, processes };
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name in field 2 may hold spaces and brackets: fields count from the last bracket.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined; // It ended.
  }
}

function ownMemory(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kib = [...status.matchAll(/^(?:RssAnon|RssShmem|VmSwap):\s+(\d+) kB$/gm)].map(([, text]) => Number(text));
    return kib.reduce((sum, one) => sum + one, 0) * 1024;
  } catch {
    return 0;
  }
}
