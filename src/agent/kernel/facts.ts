import { existsSync } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';
import type { HostFacts } from '../precheck/facts.ts';
import { livepatches, replaced } from './livepatches.ts';
import { readProbes } from './probes.ts';
import { textOf } from './text.ts';

/** Numbers of the namespaces that a kernel begins with (include/linux/proc_ns.h); later ones have others. */
const FIRST_NAMESPACES: Readonly<Record<string, string>> = { user: '4026531837', pid: '4026531836' };
/** Bit of CAP_SYS_MODULE (include/uapi/linux/capability.h). */
const CAP_SYS_MODULE = 16n;

/** What a load depends on, of this machine; `proc` and `sys` are /proc and /sys. */
export async function readFacts(proc = '/proc', sys = '/sys'): Promise<Omit<HostFacts, 'buildId'>> {
  const sysfs = join(sys, 'kernel/livepatch');
  const loaded = await livepatches(sysfs);
  const replacements = await Promise.all(
    loaded.filter(({ enabled }) => enabled).map(({ name }) => replaced(sysfs, name)),
  );
  const at = async (path: string): Promise<string | undefined> => textOf(join(proc, path));
  const flag = async (path: string): Promise<string | undefined> => textOf(join(sys, path));
  return {
    kernelRelease: (await at('sys/kernel/osrelease')) ?? 'unknown',
    arch: arch(),
    ownNamespaces: await ownNamespaces(proc),
    mayLoadModules: mayLoad((await at('self/status')) ?? ''),
    modulesDisabled: (await at('sys/kernel/modules_disabled')) === '1',
    requiresSignature: (await flag('module/module/parameters/sig_enforce')) === 'Y',
    lockdown: /\[(\w+)\]/.exec((await flag('kernel/security/lockdown')) ?? '')?.[1],
    taint: BigInt((await at('sys/kernel/tainted')) ?? 0),
    livepatching: existsSync(sysfs),
    ftraceEnabled: (await at('sys/kernel/ftrace_enabled')) !== '0',
    memoryAvailable: memoryOf((await at('meminfo')) ?? ''),
    loaded,
    modules: new Set(((await at('modules')) ?? '').split('\n').flatMap((line) => /^\S+/.exec(line) ?? [])),
    replaced: replacements.flat(),
    probes: await readProbes(sys),
  };
}

async function ownNamespaces(proc: string): Promise<string[]> {
  const own: string[] = [];
  for (const [kind, first] of Object.entries(FIRST_NAMESPACES)) {
    // A kernel without namespaces of this kind has no such link.
    const link = await readlink(join(proc, 'self/ns', kind)).catch(() => undefined);
    if (link !== undefined && link !== `${kind}:[${first}]`) own.push(kind);
  }
  return own;
}

function mayLoad(status: string): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return effective !== undefined && ((BigInt(`0x${effective}`) >> CAP_SYS_MODULE) & 1n) === 1n;
}

function memoryOf(meminfo: string): number | undefined {
  const kib = /^MemAvailable:\s*(\d+) kB$/m.exec(meminfo)?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}
