import type { TraceFrame } from '../report.ts';
import { type Context, newContext, readContext } from './context.ts';
import { parseFrames, parseInstruction } from './frames.ts';

/** A frame, and where it stands. */
export interface Step {
  readonly frame: TraceFrame;
  /** The faulting instruction, not a caller. */
  readonly instruction: boolean;
  /** Number of the trace it stands in, from 0; -1 before the first heading. */
  readonly section: number;
}

/** One call trace under its heading. */
export interface Section {
  /** A trace of what happened, not of an allocation, an earlier lock or another task's end. */
  readonly main: boolean;
  readonly heading: string;
  frames: number;
}

/** What the lines of a report say. */
export interface Body extends Context {
  readonly steps: Step[];
  readonly sections: Section[];
  access: 'Read' | 'Write' | null;
  lock: TraceFrame | null;
  caller: string | null;
  /** The line after the first. */
  next: string | null;
  /** Who the report is about, where it says so before the line of the processor. */
  owner: number | null;
  /** The line of the processor is another task's: two reports are interleaved, and nothing tells them apart. */
  mixed: boolean;
}

const FRAMES_MAX = 600;
const MAIN = /^\s*(?:Call [Tt]race:|[Bb]acktrace:|NMI backtrace for cpu)/;
/** Traces of what went before: allocation, release, an earlier lock, the origin of a value. */
const OTHER =
  /^\s*(?:(?:Last potentially related|Second to last potentially related) work creation:|Last call_rcu\(\):|(?:Allocated|Freed|allocated|freed) by (?:task|initial)|Uninit was (?:created|stored)|Local variable|-> #\d+ |IN-(?:HARD|SOFT)IRQ-[WR] at:|(?:INITIAL|HARDIRQ-ON-|SOFTIRQ-ON-).{0,8} at:|Preemption disabled at|(?:Allocated|Freed) in |Showing all locks|(?:hard|soft)irqs last|the existing dependency chain|to a \S+-irq-|\.{2,3} +(?:which|key)|\{\S+\} state was registered at|stack dump where RCU|RCU grace-period kthread stack dump|(?:last|page_owner|page last|page allocated) .{0,20}(?:free|alloc|stack trace)|(?:kfence-#|irq event stamp))/;
/** The kernel's own words for a trace that it does not have (mm/kasan/report.c). */
const NO_TRACE = /^\(stack is not available\)/;
const OWNER = /\/(-?\d+)(?::$| is (?:trying|freeing))/;
const LOCK_AT = /, at: /;

export function newBody(owner: number | null = null): Body {
  return {
    ...newContext(),
    steps: [],
    sections: [],
    access: null,
    lock: null,
    caller: null,
    next: null,
    owner,
    mixed: false,
  };
}

/** Reads one line into the body. */
export function readBody(body: Body, text: string): void {
  body.next ??= text;
  const first = text.charCodeAt(0);
  if (first === 0x20 || first === 0x5b || first === 0x09) {
    if (readFrames(body, text)) return;
  }
  if (readContext(body, text)) {
    if (body.owner !== null && body.pid !== null && body.pid !== body.owner) body.mixed = true;
    return;
  }
  const instruction = parseInstruction(text);
  if (instruction !== null) {
    if (body.steps.length < FRAMES_MAX)
      body.steps.push({ frame: instruction, instruction: true, section: body.sections.length - 1 });
    return;
  }
  if (readHeading(body, text)) return;
  if (first !== 0x20 && readFrames(body, text)) return;
  readWords(body, text);
}

function readFrames(body: Body, text: string): boolean {
  const frames = parseFrames(text);
  for (const frame of frames) addFrame(body, frame, text);
  return frames.length > 0;
}

function addFrame(body: Body, frame: TraceFrame, text: string): void {
  if (body.steps.length >= FRAMES_MAX) return;
  const last = body.steps.at(-1);
  /** ARM names each function twice: as the callee of its line and as the caller of the line before. */
  if (frame.offset === null && frame.file === null && last?.frame.function === frame.function) return;
  if (text.includes(' from ') && body.sections.at(-1)?.main !== true) open(body, 'backtrace', true);
  if (body.lock === null && body.sections.length === 0 && body.next !== null) body.lock = frame;
  const section = body.sections.at(-1);
  if (section !== undefined) section.frames += 1;
  body.steps.push({ frame, instruction: false, section: body.sections.length - 1 });
}

function open(body: Body, heading: string, main: boolean): void {
  if (body.sections.length < FRAMES_MAX) body.sections.push({ main, heading, frames: 0 });
}

function readHeading(body: Body, line: string): boolean {
  const text = line.startsWith('rcu: ') ? line.slice(5) : line;
  if (text.length > 120) return false;
  if (MAIN.test(text)) {
    const before = body.sections.at(-1);
    /** The grace-period thread's own trace says nothing of the stall (kernel/rcu/tree_stall.h). */
    const main = !(before?.heading.startsWith('RCU') === true && before.frames === 0);
    open(body, text.trim(), main);
    return true;
  }
  if (OTHER.test(text)) {
    open(body, text.trim().slice(0, 60), false);
    return true;
  }
  return false;
}

const ACCESS = /^(Read|Write) (?:of size|at addr)/;
const CALLER =
  /^\s*(?:caller is |last function: |preempt=0x[0-9a-f]+ lock=.{1,40} workfn=)(?:\[<[0-9a-f]+>\] )?([\w.]+)/;

function readWords(body: Body, text: string): void {
  body.access ??= (ACCESS.exec(text)?.[1] as 'Read' | 'Write' | undefined) ?? null;
  if (
    body.caller === null &&
    (text.includes('caller is') || text.includes('last function') || text.includes(' workfn='))
  )
    body.caller = CALLER.exec(text)?.[1] ?? null;
  if (body.sections.length > 0 && NO_TRACE.test(text)) {
    const last = body.sections.at(-1);
    if (last !== undefined) last.frames += 1;
  }
  if (
    body.owner === null &&
    body.release === null &&
    body.sections.length === 0 &&
    (text.includes(' held by ') || text.includes(' is trying to '))
  ) {
    const owner = OWNER.exec(text)?.[1];
    if (owner !== undefined) body.owner = Number(owner);
  }
  if (body.lock === null) {
    const at = LOCK_AT.exec(text);
    if (at !== null) body.lock = parseFrames(text.slice(at.index + at[0].length))[0] ?? null;
  }
}
