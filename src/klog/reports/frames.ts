import type { TraceFrame } from '../report.ts';
import { parseDecoded, parseInlined, placesOf } from './places.ts';
import { demangle } from './rust.ts';

/** `func+0x1c/0x340 [mod build-id]`, as sprint_symbol and its relatives write (kernel/kallsyms.c, lib/vsprintf.c %pS, %pB). */
const SYMBOL = /^\.?([A-Za-z_$<][^\s+()]*)\+0x([0-9a-f]+)\/0x([0-9a-f]+)/;
/** Rust names may hold blanks once demangled: `<kernel::Foo as Bar>::baz+0x1/0x2`. */
const RUST = /^(<.{1,300}?>[^\s+]*|_R[^\s+]+)\+0x([0-9a-f]+)\/0x([0-9a-f]+)/;
const MODULE = /^ ?\[([\w-]+)(?: [0-9a-f]+)?\]/;
const INLINE = /^([A-Za-z_<][^\s+()]*) ([\w./+-]+:\d+) \[inline\]/;
/** ARM: `[<80b12478>] (dump_stack) from [<801349a8>] (panic+0x104/0x2cc)`, since 5.18 ` dump_stack from panic+0x104/0x2cc`. */
const ARM_FROM = /^(?:\[<[0-9a-f]+>\] )?\(?([\w.$]+)\)? from (?:\[<[0-9a-f]+>\] )?\(?/;
/** Suffixes that compilers add to the name of a clone or a part of a function. */
const SUFFIX =
  /\.(?:isra|constprop|part|cold|llvm|lto_priv|localalias|clone|func_part|__uniq|cfi|cfi_jt|\d+|[0-9a-f]{16,})(?=\.|$).*$/;

/** Longest line that is looked at; the kernel cuts records at 1 KiB (LOG_LINE_MAX, kernel/printk/printk.c). */
const LINE_MAX = 1100;

/** A function's name as it stands in the source: without the suffixes of the compiler. */
export function plainName(name: string): string {
  if (!name.includes('.')) return name;
  const cut = name.replace(SUFFIX, '').replace(/^\./, '');
  return cut === '' ? name : cut;
}

/** `__x64_sys_read` and `__arm64_sys_read` are one function of the source (SYSCALL_DEFINE, include/linux/syscalls.h). */
export function customaryName(name: string): string {
  const call = /^__(?:x64|ia32|arm64|riscv|s390x?|do|se)_((?:compat_)?sys_\w+)$/.exec(name);
  if (call !== null) return call[1]!;
  if (/^smp_call_function_(?:single|many|any)/.test(name)) return 'smp_call_function';
  return name === 'synchronize_rcu_expedited' ? 'synchronize_rcu' : name;
}

/** One symbol at the start of the text; null where none stands there. */
export function parseSymbol(text: string, unsure = false): TraceFrame | null {
  const found = SYMBOL.exec(text) ?? (text.startsWith('<') || text.startsWith('_R') ? RUST.exec(text) : null);
  if (found === null) return parseDecoded(text, unsure);
  const rest = text.slice(found[0].length).replace(/^\)?(?: \([A-Z]+\))?/, '');
  const before = MODULE.exec(rest);
  const behind = before === null ? rest : rest.slice(before[0].length);
  const places = behind.includes(':') ? placesOf(behind) : null;
  const module = before ?? (places === null ? null : MODULE.exec(behind.slice(places.length)));
  return {
    function: found[1]!.startsWith('_R') ? demangle(found[1]!) : found[1]!,
    offset: Number.parseInt(found[2]!, 16),
    size: Number.parseInt(found[3]!, 16),
    module: module === null || module[1] === 'inline' ? null : module[1]!,
    unsure,
    inline: false,
    file: places?.file ?? null,
  };
}

function bareFrame(name: string, file: string | null): TraceFrame {
  return { function: name, offset: null, size: null, module: null, unsure: false, inline: file !== null, file };
}

/** Cuts `[<ffffffff81234567>] `, `([<…>]) `, `[c00000003ae5b800] [c00000000135c19c] ` (arch/{x86,arm,mips,s390,powerpc}). */
function cutAddresses(text: string): string {
  let rest = text;
  for (let i = 0; i < 3; i += 1) {
    const first = rest.charCodeAt(0);
    if (first !== 0x5b && first !== 0x28) break;
    const found = /^\(?\[<?[0-9a-f]{8,16}>?\]\)?\s*/.exec(rest);
    if (found === null) break;
    rest = rest.slice(found[0].length);
  }
  return rest;
}

/**
 * The frames that a line of a call trace holds: none, one, or two (an ARM line names the function and its caller).
 * Forms: `dump_stack_lvl` and `show_trace_log_lvl` of x86, `dump_backtrace_entry` of arm64 and arm, `show_stack` of powerpc,
 * s390, riscv and mips; with the file and `[inline]` that symbolisers add, or as places.ts says.
 */
export function parseFrames(line: string): readonly TraceFrame[] {
  if (line.length > LINE_MAX) return [];
  const trimmed = line.trimStart();
  const plus = trimmed.indexOf('+0x');
  if (plus < 0) {
    if (!trimmed.includes(':')) return [];
    const inline = trimmed.endsWith('[inline]') ? INLINE.exec(trimmed) : null;
    if (inline !== null) return [bareFrame(inline[1]!, inline[2]!)];
    const inlined = parseInlined(trimmed);
    if (inlined !== null) return [inlined];
    if (!trimmed.includes(' (')) return [];
  }
  if (plus > 24 || trimmed.charCodeAt(0) === 0x5b) {
    const from = trimmed.includes(' from ') ? ARM_FROM.exec(trimmed) : null;
    if (from !== null) return armFrames(from[1]!, trimmed.slice(from[0].length));
  } else if (trimmed.includes(' from ')) {
    const from = ARM_FROM.exec(trimmed);
    if (from !== null) return armFrames(from[1]!, trimmed.slice(from[0].length));
  }
  let rest = cutAddresses(trimmed);
  if (rest.startsWith('(')) rest = rest.slice(1);
  const unsure = rest.startsWith('? ');
  const frame = parseSymbol(unsure ? rest.slice(2).trimStart() : rest, unsure);
  return frame === null ? [] : [frame];
}

function armFrames(callee: string, rest: string): readonly TraceFrame[] {
  const caller = parseSymbol(rest);
  return caller === null ? [bareFrame(callee, null)] : [bareFrame(callee, null), caller];
}

/**
 * Where each architecture names the faulting instruction (show_regs, __show_regs, show_ip): the text before the symbol.
 * x86 `RIP: 0010:`, `RIP: `, `EIP: `, `IP: `; arm64 `pc : `; arm `PC is at `; powerpc `NIP [addr] `, `--- interrupt: 700 at `;
 * riscv and mips `epc : `; s390 `Krnl PSW : mask address (`; loongarch `pc `.
 */
const INSTRUCTION =
  /^(?:E?IP:? is at |EIP: (?:[0-9a-f]{4}:)?|RIP: 0010:|RIP:? |IP: |pc : |PC is at |PC:? |NIP (?=\[)|NIP: |epc\s*: |era\s*: |Krnl PSW : |--- interrupt: [0-9a-f]+ (?:at|on) )\s*/;
const FIRST_LETTERS = new Set('REIpPNeK-'.split(''));

/** The function a line names as the faulting instruction; null for other lines and for addresses of user space. */
export function parseInstruction(line: string): TraceFrame | null {
  const text = line.trimStart();
  if (!FIRST_LETTERS.has(text.charAt(0)) || text.length > LINE_MAX) return null;
  if (!text.includes('+0x') && !text.includes(' (')) return null;
  const head = INSTRUCTION.exec(text);
  if (head === null) return null;
  let rest = text.slice(head[0].length);
  if (head[0].startsWith('Krnl')) {
    const open = rest.indexOf('(');
    if (open < 0) return null;
    rest = rest.slice(open + 1);
  }
  rest = cutAddresses(rest.replace(/^[0-9a-f]{8,16} /, '')).replace(/^\(/, '');
  return parseSymbol(rest);
}
