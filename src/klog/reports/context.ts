import type { LinkedModule, Taint } from '../report.ts';
import { taintsOf } from './taints.ts';

/** What the lines that every report carries say (dump_stack_print_info, lib/dump_stack.c). */
export interface Context {
  cpu: number | null;
  pid: number | null;
  task: string | null;
  release: string | null;
  taints: readonly Taint[];
  modules: readonly LinkedModule[];
  readonly registers: Map<string, string>;
}

/**
 * `CPU: 0 UID: 0 PID: 5830 Comm: name Tainted: G W 6.15.0 #1 PREEMPT(full)`: UID since 6.12 (lib/dump_stack.c). A task may have
 * any name, so the taint words are looked for from the last place they can stand in.
 */
const CPU_LINE = /^CPU: (\d+) (?:UID: \d+ )?PID: (-?\d+) Comm: (.{0,16}) (Not tainted|Tainted: [A-Z ]+) (\S+)/;
const REGISTER = /(?:^|\s)([A-Z][A-Z0-9]{1,7}|[xr]\d{1,2}|[sf]p|lr|pc|ip)\s?: ?([0-9a-f]{8,16})(?![\w:])/g;
const MODULE_ITEM = /^([\w-]+)(?:\(([A-Z]*)([+-]?)\))?$/;
/** So many modules and registers are kept of one report. */
const MODULES_MAX = 400;
const REGISTERS_MAX = 80;

export function newContext(): Context {
  return { cpu: null, pid: null, task: null, release: null, taints: [], modules: [], registers: new Map() };
}

/** Reads the line into the context; true when it was one of those lines. The first of each wins. */
export function readContext(context: Context, text: string): boolean {
  const first = text.charCodeAt(0);
  if (first === 0x43 && text.startsWith('CPU: ')) return readCpu(context, text);
  if (first === 0x4d && text.startsWith('Modules linked in:')) return readModules(context, text.slice(18));
  if (isRegisterLine(text)) {
    readRegisters(context, text);
    return true;
  }
  return false;
}

function readCpu(context: Context, text: string): boolean {
  const found = CPU_LINE.exec(text);
  if (found === null) return false;
  if (context.release !== null) return true;
  context.cpu = Number(found[1]);
  context.pid = Number(found[2]);
  context.task = found[3]!;
  context.release = found[5]!;
  context.taints = taintsOf(found[4]!.replace(/^Tainted: |^Not tainted/, ''));
  return true;
}

/** ` a(O+) b c [last unloaded: d]`: print_modules, kernel/module/main.c; letters of module_flags, `+` coming, `-` going. */
function readModules(context: Context, text: string): boolean {
  if (context.modules.length > 0) return true;
  const end = text.indexOf('[last unloaded:');
  const names = (end < 0 ? text : text.slice(0, end)).trim().split(/\s+/, MODULES_MAX);
  context.modules = names.flatMap((name): LinkedModule[] => {
    const found = MODULE_ITEM.exec(name);
    if (found === null || name === '') return [];
    const state = found[3] === '+' ? 'coming' : found[3] === '-' ? 'going' : 'live';
    return [{ name: found[1]!, state, taints: found[2] ?? '' }];
  });
  return true;
}

function isRegisterLine(text: string): boolean {
  const first = text.charCodeAt(0);
  if (first === 0x52) return /^R(?:[A-D]X|[SD]I|[BS]P|\d\d): /.test(text) || text.startsWith('RSP: 0018:');
  if (first === 0x78 || first === 0x72) return /^[xr]\d{1,2}\s?: [0-9a-f]{8}/.test(text);
  if (first === 0x43) return text.startsWith('CR2: ');
  if (first === 0x45) return text.startsWith('EAX: ') || text.startsWith('ESI: ');
  return (first === 0x73 && text.startsWith('sp : ')) || (first === 0x47 && /^GPR\d\d: /.test(text));
}

function readRegisters(context: Context, text: string): void {
  const { registers } = context;
  if (registers.size >= REGISTERS_MAX || text.length > 400) return;
  for (const found of text.matchAll(REGISTER)) if (!registers.has(found[1]!)) registers.set(found[1]!, found[2]!);
}
