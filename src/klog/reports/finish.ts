import type { KernelReport, TraceFrame } from '../report.ts';
import type { Body, Step } from './body.ts';
import { parseFrames, plainName } from './frames.ts';
import { reportKey } from './key.ts';
import type { Head } from './start.ts';
import { makeTitle, type Title } from './title.ts';

/** A report whose lines are all in. */
export interface Gathered {
  readonly head: Head;
  readonly body: Body;
  readonly firstLine: number;
  readonly lastLine: number;
  readonly time: number | null;
  /** Another report of the same printer began before this one's end. */
  readonly cut: boolean;
}

/** Headings under which a frame must stand, else the report is cut or mixed. */
const NEEDS_FRAMES = /^(?:Call [Tt]race|[Bb]acktrace|Allocated by|Freed by)/;
/** They end with the line of the processor, so one without it is cut (mm/kmsan/report.c, kernel/kcsan/report.c). */
const CPU_LAST = new Set(['kmsan', 'kcsan']);
const TITLE_MAX = 240;

function isCorrupted(gathered: Gathered, title: Title): boolean {
  const { head, body } = gathered;
  if (title.lost || head.start.fragment === true || body.mixed) return true;
  if (head.start.trace === false) return false;
  if (gathered.cut && CPU_LAST.has(head.start.kind) && body.release === null) return true;
  if (!body.steps.some((step) => !step.instruction && step.section >= -1)) return true;
  const hollow = body.sections.some((section) => section.frames === 0 && NEEDS_FRAMES.test(section.heading));
  const headed = body.sections.some((section) => section.frames > 0);
  const bare = body.steps.some((step) => !step.instruction && step.section < 0);
  return hollow || !(headed || bare);
}

/** Who and where, as the first line says it, for reports that lack the line of the processor. */
function whoOf(head: Head): { cpu: number | null; pid: number | null; task: string | null } {
  const { text } = head;
  const cpu = /\bCPU(?:: |#)(\d+)/.exec(text)?.[1];
  const named =
    /^INFO: task (.{1,40}?):(\d+) /.exec(text) ??
    /\[(.{1,16}):(\d+)\]$/.exec(text) ??
    / CPU#\d+[,:] (.{1,16})\/(\d+)/.exec(text);
  const pid = named?.[2] ?? /\bPID: (\d+)/.exec(text)?.[1];
  return {
    cpu: cpu === undefined ? null : Number(cpu),
    pid: pid === undefined ? null : Number(pid),
    task: named?.[1] ?? null,
  };
}

function fileOf(head: Head, body: Body, guilty: Step | null): string | null {
  const { function: name, file } = guilty?.frame ?? { function: null, file: null };
  const named = /(?:BUG at |WARNING: (?:CPU: \d+ PID: -?\d+ at )?|UBSAN: .{1,60} in )([\w./+-]+\.[chSrs]+:\d+)/.exec(
    head.text,
  )?.[1];
  const step = body.steps.find(({ frame }) => frame.function === name && frame.file !== null);
  return file ?? named ?? step?.frame.file ?? null;
}

/** The frame that the first line of a WARNING names: it is where the report was made, guilty or not. */
function frameOf(body: Body): TraceFrame | null {
  return body.steps.find((step) => step.instruction)?.frame ?? null;
}

/** `WARNING: CPU: 0 PID: 1 at FILE:LINE f+0x1/0x2` names who warned, though its trace, and with it the title, is lost. */
function warnedBy(head: Head): Step | null {
  const found = /^WARNING: .{0,240}?:\d+ (?:at )?(?=[\w.]+(?:\+0x| \(\S+:\d))/.exec(head.text);
  const frame = found === null ? undefined : parseFrames(head.text.slice(found[0].length))[0];
  return frame === undefined ? null : { frame, instruction: false, section: -1 };
}

/** The report that the gathered lines make. */
export function finish(gathered: Gathered): KernelReport {
  const { head, body } = gathered;
  const title = makeTitle(head, body);
  const step = title.guilty.step ?? warnedBy(head);
  const guilty = step === null ? null : plainName(step.frame.function);
  const who = whoOf(head);
  const text = title.title.slice(0, TITLE_MAX);
  const module = head.module ?? moduleOf(body, step);
  return {
    kind: head.start.kind,
    severity: head.start.severity,
    title: text,
    alternatives: title.alternatives.map((also) => also.slice(0, TITLE_MAX)),
    function: guilty,
    module,
    file: fileOf(head, body, step),
    trace: body.steps.filter((one) => !one.instruction).map((one) => one.frame),
    instruction: frameOf(body),
    cpu: body.cpu ?? who.cpu,
    pid: body.pid ?? who.pid,
    task: body.task ?? who.task,
    release: body.release,
    taints: body.taints,
    modules: body.modules,
    registers: body.registers,
    firstLine: gathered.firstLine,
    lastLine: gathered.lastLine,
    time: gathered.time,
    corrupted: isCorrupted(gathered, title),
    key: reportKey(head.start.kind, text, guilty, module),
  };
}

/** A line that names a function may leave out its module, which the trace then says. */
function moduleOf(body: Body, step: Step | null): string | null {
  if (step === null) return null;
  if (step.frame.module !== null) return step.frame.module;
  return (
    body.steps.find((one) => one.frame.function === step.frame.function && one.frame.module !== null)?.frame.module ??
    null
  );
}
