import { join } from 'node:path';
import type { Probe } from '../precheck/facts.ts';
import { textOf } from './text.ts';

/** Who follows which function; undefined where the kernel does not let us see it (no tracefs, lockdown). */
export async function readProbes(sys: string): Promise<readonly Probe[] | undefined> {
  const kprobes = await textOf(join(sys, 'kernel/debug/kprobes/list'));
  const ftrace =
    (await textOf(join(sys, 'kernel/tracing/enabled_functions'))) ??
    (await textOf(join(sys, 'kernel/debug/tracing/enabled_functions')));
  if (kprobes === undefined && ftrace === undefined) return undefined;
  return [...parseKprobes(kprobes ?? ''), ...parseEnabledFunctions(ftrace ?? '')];
}

/** `ffffffff81234560  k  function+0x0  [module] [DISABLED][FTRACE]` (kernel/kprobes.c, report_probe). */
export function parseKprobes(text: string): Probe[] {
  const found: Probe[] = [];
  for (const line of text.split('\n')) {
    const [, name, rest = ''] = /^\S+\s+[kr]\s+([^\s+]+)\+0x[0-9a-f]+\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || /\[(?:DISABLED|GONE)\]/.test(rest)) continue;
    const module = /^(?!\[)\S+/.exec(rest)?.[0] ?? /^\[([a-z0-9_]+)\]/.exec(rest)?.[1] ?? null;
    found.push({ kind: 'kprobe', function: name, module, redirects: false });
  }
  return found;
}

/** `function [module] (1) R I D   tramp: …` (kernel/trace/ftrace.c, t_show): I changes the address, D is a direct call, as BPF's. */
export function parseEnabledFunctions(text: string): Probe[] {
  const found: Probe[] = [];
  for (const line of text.split('\n')) {
    const [, name, module, flags = ''] = /^(\S+)(?: \[(\w+)\])? \(\d+\)([ A-Z]*)/.exec(line) ?? [];
    if (name === undefined) continue;
    found.push({ kind: 'ftrace', function: name, module: module ?? null, redirects: /[ID]/.test(flags) });
  }
  return found;
}
