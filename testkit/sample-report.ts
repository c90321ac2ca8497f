import type { Printed } from './kernel-log.ts';

/** What differs from host to host, and what is the bug itself: `f`, `? f`, `f [module]`. */
export interface SampleReport {
  readonly instruction: string;
  readonly frames: readonly string[];
  readonly modules: string;
  readonly task: string;
  readonly pid: number;
  readonly cpu: number;
  readonly offset: number;
  readonly seconds: number;
  readonly release: string;
}

const SAMPLE: SampleReport = {
  instruction: 'sample_read',
  frames: ['vfs_read', 'ksys_read', 'do_syscall_64'],
  modules: 'ext4 tuxtape_x(OEK)',
  task: 'cat',
  pid: 583,
  cpu: 1,
  offset: 0x12,
  seconds: 100,
  release: '6.12.1-amd64',
};

/** The lines of a page fault on x86-64, as Linux 6.12 prints them. */
export function pageFault(parts: Partial<SampleReport> = {}): readonly string[] {
  const { instruction, frames, modules, task, pid, cpu, offset, release } = { ...SAMPLE, ...parts };
  return [
    `BUG: unable to handle page fault for address: ffff8880${hex(pid * 4096)}`,
    '#PF: supervisor read access in kernel mode',
    '#PF: error_code(0x0000) - not-present page',
    'PGD 0 P4D 0',
    'Oops: Oops: 0000 [#1] PREEMPT SMP PTI',
    `CPU: ${cpu} UID: 0 PID: ${pid} Comm: ${task} Tainted: G           OE K   ${release} #1`,
    'Hardware name: Example, BIOS 1 01/01/2026',
    `RIP: 0010:${symbol(instruction, offset)}`,
    `RSP: 0018:ffffc900${hex(pid)} EFLAGS: 00010246`,
    `RAX: 00000000${hex(offset)} RBX: 0000000000000000 RCX: ffff8880${hex(cpu)}`,
    'Call Trace:',
    ' <TASK>',
    ...frames.map((frame, i) => ` ${symbol(frame, offset + i)}`),
    ' </TASK>',
    `Modules linked in: ${modules}`,
    '---[ end trace 0000000000000000 ]---',
  ];
}

/** The same as records of the log, a microsecond each. */
export function records(lines: readonly string[], parts: Partial<SampleReport> = {}): Printed[] {
  const { seconds, pid } = { ...SAMPLE, ...parts };
  return lines.map((text, i) => ({
    text,
    microseconds: Math.round(seconds * 1e6) + i,
    level: 1,
    caller: `T${pid}`,
    program: null,
  }));
}

/** `? f [m]` to `? f+0x12/0x340 [m]`. */
function symbol(frame: string, offset: number): string {
  const [, mark = '', name = '', module = ''] = /^(\? )?(\S+)( \[.*\])?$/.exec(frame) ?? [];
  return `${mark}${name}+0x${offset.toString(16)}/0x340${module}`;
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
