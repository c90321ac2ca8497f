import type { KernelReport, LinkedModule } from '../report.ts';
import { parseFrames, parseInstruction } from '../reports/frames.ts';
import { livepatchStep } from '../reports/livepatch.ts';
import { oopsWords, pageFaultWords } from './faults.ts';
import { stepWords } from './kinds.ts';

type Words = string | ((found: RegExpExecArray, report: KernelReport) => string | null);

const NAMES_MAX = 12;

/** Lines of reports in the order in which they are tried; sources are where the kernel prints them. */
const LINES: readonly (readonly [RegExp, Words])[] = [
  [/^-+\[ cut here/, 'a report follows'],
  [/^---\[ end Kernel panic/, 'the machine stands still, or restarts if it is told to'],
  [/^---\[ end trace/, 'the report ends'],
  [/^={10,}$/, 'a ruler: a report begins or ends'],
  [/^(?:Internal error: )?Oops\b|\[#\d+\]/, ({ input }, { kind }) => oopsWords(input, kind === 'page-fault')],
  [/^#PF: error_code\(0x([0-9a-f]{1,8})\)/, ([, code = '0']) => `the fault: ${pageFaultWords(code)}`],
  [
    /^#PF: (user|supervisor) /,
    ([, mode]) => `what was tried, with ${mode === 'user' ? "a program's" : "the kernel's"} rights`,
  ],
  [
    /^(?:PGD|P4D|PUD|PMD|PTE|\[[0-9a-f]{16}\] (?:pgd|p4d|pud|pmd|pte)=)/,
    'entries of the page tables on the way to the address',
  ],
  [
    /^Mem abort info|^Data abort info|^\s+(?:ESR|EC|SET|EA|FSC|ISV|ISS|CM|GCS) = /,
    'the exception syndrome of arm64, taken apart',
  ],
  [/^(?:\[.*\] )?(?:user|swapper) (?:pgtable|address)/, 'whose page table was in use'],
  [/^CPU: \d+ /, (_, report) => processorWords(report)],
  [/^Tainted: \[/, 'the taint letters again, spelled out'],
  [/^Hardware name: /, 'the machine, as its firmware names it'],
  [/^Workqueue: (\S+)/, 'the task worked for this queue: the function is who asked for it'],
  [/^Modules linked in:/, (_, report) => moduleWords(report)],
  [/^RIP: 0033:|^RIP: 002b:/, 'the instruction of the program that called the kernel'],
  [/^stack backtrace:|^Exception stack\(|^Stack:/, 'a stack follows'],
  [/^Uninit was (?:stored|created)/, 'where the value without content came from'],
  [/^page:|^flags: 0x|^raw: |^page dumped because/, 'the page that the object lies in'],
  [/^task: [0-9a-f]+/, 'addresses of the task and its stack'],
  [/^\s+Not tainted |^\S+ #\d+ (?:Not tainted|Tainted)/, 'the kernel that printed this, and whether it is tainted'],
  [
    /^(?:Object|Redzone|Padding|Bytes b4)\s+[0-9a-f]+: |^INFO: (?:Object|Slab) 0x/,
    'bytes in and around the object, as the allocator found them',
  ],
  [/^\s*Code: /, 'the instruction bytes around the fault; <> or () marks where it stood'],
  [/^RSP: |^ESP: |^sp : |^pstate: /, 'stack pointer and flags of the processor'],
  [/^(?:CR2|CS|FS|DR\d|PKRU|GS): /, 'control registers; CR2 is the address that faulted'],
  [/^R(?:[A-D]X|[SD]I|[BS]P|\d\d): |^\s?[xr]\d+\s?: ?[0-9a-f]{8}|^GPR\d+: |^EAX: |^ESI: /, 'registers at that moment'],
  [/^lr : |^LR /, 'where the function would have returned to'],
  [/^\s*Call [Tt]race:|^[Bb]acktrace:/, 'who called whom: the innermost function first'],
  [
    /^\s*<\/?(?:TASK|IRQ|SOFTIRQ|NMI|EOI|ENTRY_TRAMPOLINE|#DF)>/,
    'on which stack the frames lie: of the task or of an interrupt',
  ],
  [/^(?:Allocated|allocated) by/, 'where the object came from'],
  [/^(?:Freed|freed) by/, 'where the object was freed'],
  [/^Last potentially related work creation|^Second to last/, 'who queued the work that used the object'],
  [
    /^(Read|Write) (?:of size (\d+)|at addr)/,
    ([, way = '', size]) =>
      `${way === 'Read' ? 'read' : 'written'}${size === undefined ? '' : `: ${size} bytes`}; then by whom`,
  ],
  [/^The buggy address/, 'which object or stack the address lies in'],
  [
    /^Memory state around|^[ >][0-9a-f]{16}: |^\s+\^$/,
    'the shadow memory: 00 is usable, f? and fa to ff are not; > marks the place',
  ],
  [
    /^ ?(?:which belongs to|The buggy address is located)|^ \d+-byte region/,
    'which cache the object is of, and how far inside it',
  ],
  [
    / is trying to (?:acquire|release) lock:|^but task is already holding|^which lock already depends/,
    'the lock that is asked for, and those that are held',
  ],
  [/^(?:\d+|no) locks? held by|^ #\d+: |^Showing all locks/, 'locks that tasks hold, and where they took them'],
  [/^the existing dependency chain|^-> #\d+ /, 'where each of the locks was taken after another before'],
  [
    /^other info that might help|^ ?Possible unsafe locking|^\s+CPU0\s+CPU1|^\s+----|\*\*\* DEADLOCK \*\*\*/,
    'how the deadlock would come about',
  ],
  [/^"echo 0 > \/proc\/sys\/kernel\/hung_task/, 'how to silence this message; better find what the task waits for'],
  [
    /^task:(.{1,16}?)\s+state:(\w)/,
    ([, , state]) => `the task and its state: ${state === 'D' ? 'D, waiting without interruption' : (state ?? '')}`,
  ],
  [/^NMI backtrace for cpu (\d+)/, ([, cpu = '']) => `what processor ${cpu} was doing when it was asked`],
  [/^Sending NMI from CPU/, 'the other processors are asked what they are doing'],
  [/^rcu: +\S|^\s+\d+-[.oONID?]+: \(/, 'state of the grace period: who holds it up, and for how many ticks'],
  [/^Kernel Offset: /, 'by how much the kernel was moved at boot: needed to look up raw addresses'],
  [
    /^(?:Rebooting in|Dumping ftrace|\s+\(ftrace buffer|Shutting down cpus|Kernel panic)/,
    'what the kernel does after a panic',
  ],
  [/^irq event stamp|^(?:hard|soft)irqs last/, 'when interrupts were last allowed and forbidden'],
  [/^Disabling lock debugging/, 'the lock checker gives up: its state is no longer sound'],
];

/** What a line of the report means; null: nothing beyond its words. */
export function explainLine(text: string, report: KernelReport): string | null {
  const step = livepatchStep(text);
  if (step !== null) return stepWords[step];
  for (const [form, words] of LINES) {
    const found = form.exec(text);
    if (found === null) continue;
    const said = typeof words === 'string' ? words : words(found, report);
    if (said !== null) return said;
  }
  return instructionWords(text) ?? frameWords(text);
}

function instructionWords(text: string): string | null {
  const instruction = parseInstruction(text);
  if (instruction === null) return null;
  return `the instruction that failed, or ran: in ${instruction.function} of ${ownerOf(instruction.module)}`;
}

function frameWords(text: string): string | null {
  const [first, second] = parseFrames(text);
  const frame = second ?? first;
  if (frame === undefined) return null;
  const where = `${frame.function} of ${ownerOf(frame.module)}`;
  if (frame.inline) return `${where}, inlined into the next`;
  if (frame.unsure) return `?: an address in ${where} lay on the stack; it may be left from an earlier call`;
  const offset = frame.offset === null || frame.size === null ? '' : `, ${frame.offset} of ${frame.size} bytes into it`;
  return `called from ${where}${offset}`;
}

function ownerOf(module: string | null): string {
  return module === null ? 'the kernel itself' : `module ${module}`;
}

function processorWords({ cpu, pid, task, release, taints }: KernelReport): string | null {
  if (release === null) return null;
  const tainted =
    taints.length === 0
      ? 'not tainted: nothing unusual was loaded or happened before'
      : `tainted: ${taints.map(({ letter, meaning }) => `${letter} ${meaning}`).join('; ')}`;
  return `processor ${cpu}, task ${pid} (its name, ${task}, is free to choose), kernel ${release}; ${tainted}`;
}

/** Letters behind the name of a module (module_flags of kernel/module/main.c). */
function moduleWords({ modules }: KernelReport): string {
  const marked = modules.filter(({ taints, state }) => taints !== '' || state !== 'live');
  if (marked.length === 0) return `${modules.length} modules are loaded, none of note`;
  const more = marked.length > NAMES_MAX ? ` and ${marked.length - NAMES_MAX} more` : '';
  return `${modules.length} modules are loaded; of note: ${marked.slice(0, NAMES_MAX).map(moduleText).join('; ')}${more}`;
}

const LETTERS: Readonly<Record<string, string>> = {
  P: 'proprietary',
  O: 'built outside the tree',
  E: 'unsigned',
  C: 'staging',
  F: 'loaded by force',
  K: 'a livepatch',
  N: 'a test',
  X: 'of the distribution',
};

function moduleText({ name, state, taints }: LinkedModule): string {
  const words = Array.from(taints, (letter) => LETTERS[letter] ?? letter);
  if (state !== 'live') words.push(state === 'coming' ? 'being loaded' : 'being unloaded');
  return `${name}: ${words.join(', ')}`;
}
