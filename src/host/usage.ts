import { readdirSync, readFileSync } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mapLimited } from './parallel.ts';

const STATS_AT_ONCE = 32;

/**
 * Bytes of memory that a process and all that descend from it hold for themselves: anonymous and shared pages and what
 * was swapped out (proc(5), status). Pages of files are left out: they are given back under pressure. Seen from outside,
 * so that it works for a sandbox with a process namespace of its own.
 */
export function memoryOf(root: number): number {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(Number(name));
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  let sum = 0;
  const family = [root];
  for (let pid = family.pop(); pid !== undefined; pid = family.pop()) {
    sum += ownMemory(pid);
    family.push(...(children.get(pid) ?? []));
  }
  return sum;
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

/** Bytes on disk of everything below a folder, as du(1) counts them; what vanishes meanwhile counts nothing. */
export async function bytesBelow(folder: string): Promise<number> {
  let sum = 0;
  const open = [folder];
  for (let here = open.pop(); here !== undefined; here = open.pop()) {
    const entries = await readdir(here, { withFileTypes: true }).catch(() => []);
    const path = here;
    const sizes = await mapLimited(entries, STATS_AT_ONCE, async (entry) => {
      if (entry.isDirectory()) open.push(join(path, entry.name));
      const stats = await lstat(join(path, entry.name)).catch(() => undefined);
      return (stats?.blocks ?? 0) * 512;
    });
    sum += sizes.reduce((total, size) => total + size, 0);
  }
  return sum;
}
