import type { LogLine } from '../line.ts';
import type { KernelReport } from '../report.ts';
import { type Body, newBody, readBody } from './body.ts';
import { finish } from './finish.ts';
import { type LivepatchEvent, livepatchEvent } from './livepatch.ts';
import { type Before, isConsequence, isNear } from './panic.ts';
import type { Head } from './start.ts';
import { findStart } from './starts/index.ts';
import { beginsDump } from './tasks.ts';

/** Where findings go: reports in the order of their first lines, livepatch events in the order printed. */
export interface Sink {
  report(report: KernelReport): void;
  event(event: LivepatchEvent): void;
}

interface Open {
  head: Head;
  readonly body: Body;
  readonly firstLine: number;
  lastLine: number;
  readonly time: number | null;
  lastTime: number | null;
  /** Lines taken. */
  lines: number;
  /** The task that ran was killed. */
  died: boolean;
}

/** A report never has more lines than this; a dump of all tasks may go on for thousands. */
const LINES_MAX = 2000;
/** So many reports are gathered at a time, one per printer. */
const OPEN_MAX = 64;
/** A printer that is silent for so long has ended its report: slow consoles need 10 ms a line. */
const SILENCE_SECONDS = 30;
const SILENCE_LINES = 4000;
/** A line of the same fault follows its first line within so many lines. */
const SAME_FAULT_LINES = 40;
const SWEEP_LINES = 512;
/** `WARNING: CPU: 1 PID: 1798 at …`: whose report it is. */
const HEAD_OWNER = /^WARNING: CPU: \d+ PID: (-?\d+) at /;

const RULED = new Set(['kasan', 'kmsan', 'kcsan', 'kfence', 'ubsan']);
const STALLS = new Set(['rcu-stall', 'soft-lockup', 'hard-lockup', 'hung-task']);
const CHECKERS =
  /lib\/(?:refcount|list_debug)\.c|lib\/debugobjects\.c:\d+ (?:at )?(?:debug_print_object|_*debug_check_no_obj_freed)|rust\/helpers|umount_check/;

/**
 * Gathers the lines of reports, one report per printer at a time (the caller id that CONFIG_PRINTK_CALLER adds tells printers
 * apart; without it all are one). A report begins with a line of starts/, goes on across foreign lines, and ends with
 * `---[ end trace`, a closing ruler, the next report of the same printer, silence, or its largest size.
 *
 * Lines must come in order. Never throws; memory is bounded by the constants above, time is linear.
 */
export class ReportGatherer {
  readonly #sink: Sink;
  readonly #open = new Map<string, Open>();
  #done: KernelReport[] = [];
  #lastReport: Before | null = null;
  #lastStall: Open | null = null;
  #sinceSweep = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** Some report is open: what follows is wanted, whatever it says. */
  get isGathering(): boolean {
    return this.#open.size > 0;
  }

  push(line: LogLine): void {
    if (!line.fromKernel) return;
    const { text } = line;
    const caller = line.caller ?? '';
    this.#sinceSweep += 1;
    if (this.#sinceSweep >= SWEEP_LINES) this.#sweep(line);
    const open = this.#open.get(caller);
    const first = text.charCodeAt(0);
    const head = line.rest || first === 0x09 ? null : first === 0x20 ? findIndented(text) : findStart(text);
    if (head !== null) {
      this.#begin(line, caller, head, open);
    } else if (open !== undefined) {
      this.#take(line, open);
    } else if (text.startsWith('NMI backtrace for cpu ') && this.#lastStall !== null) {
      this.#open.set(caller, this.#lastStall);
      this.#take(line, this.#lastStall);
    } else if (text.startsWith('livepatch: ')) {
      this.#event(line);
    }
  }

  /** No line follows: what is open is as whole as it will be. */
  end(): void {
    for (const open of new Set(this.#open.values())) this.#close(open, false);
    this.#release();
  }

  #event(line: LogLine): void {
    const event = livepatchEvent(line);
    if (event !== null) this.#sink.event(event);
  }

  #begin(line: LogLine, caller: string, head: Head, open: Open | undefined): void {
    const current = open !== undefined && this.#isSilent(open, line) ? undefined : open;
    if (open !== undefined && current === undefined) this.#close(open, false);
    if (current !== undefined && continues(current, head)) {
      const kept = headOf(current, head);
      current.head = kept;
      current.died ||= head.start.severity === 'fatal';
      current.body.owner ??= ownerOf(head, line.caller);
      this.#take(line, current);
      return;
    }
    if (current === undefined && this.#isToldOf(line, head)) return;
    if (isSingle(head)) {
      this.#finish(started(line, head), false);
      return;
    }
    if (current !== undefined) this.#close(current, true);
    if (this.#open.size >= OPEN_MAX) this.#closeOldest();
    const opened = started(line, head);
    this.#open.set(caller, opened);
    if (STALLS.has(head.start.kind)) this.#lastStall = opened;
  }

  #take(line: LogLine, open: Open): void {
    const { text } = line;
    if (text.startsWith('livepatch: ')) this.#event(line);
    if (this.#isSilent(open, line) || beginsDump(text)) {
      this.#close(open, false);
      return;
    }
    if (text.startsWith('------------[ cut here')) {
      if (open.lines > 3 && open.head.start.role !== 'prelude') this.#close(open, true);
      return;
    }
    open.lines += 1;
    open.lastLine = line.number;
    open.lastTime = line.time ?? open.lastTime;
    // Names of devices and files hold line feeds; but for the words of a panic in Rust, no report has such lines.
    if (line.rest) open.body.next ??= text;
    else readBody(open.body, text);
    if (isEnd(open, text) || open.lines >= LINES_MAX) this.#close(open, false);
  }

  #isSilent(open: Open, line: LogLine): boolean {
    if (line.number - open.lastLine > SILENCE_LINES) return true;
    if (line.time === null || open.lastTime === null) return false;
    const silence = line.time - open.lastTime;
    return silence > SILENCE_SECONDS || silence < -SILENCE_SECONDS;
  }

  /** A panic that is the consequence of the report before it. */
  #isToldOf(line: LogLine, { start, text }: Head): boolean {
    const last = this.#lastReport;
    return start.role === 'panic' && last !== null && isConsequence(text, last.died) && isNear(line, last);
  }

  #close(open: Open, cut: boolean): void {
    for (const [caller, other] of this.#open) if (other === open) this.#open.delete(caller);
    if (this.#lastStall === open) this.#lastStall = null;
    this.#finish(open, cut);
  }

  #finish(open: Open, cut: boolean): void {
    const { start } = open.head;
    if (start.needsBody !== true || hasBody(open.body)) {
      this.#lastReport = { kind: start.kind, line: open.lastLine, time: open.lastTime, died: open.died };
      this.#done.push(finish({ ...open, cut }));
    }
    if (this.#open.size === 0 || this.#done.length > OPEN_MAX) this.#release();
  }

  #closeOldest(): void {
    const [oldest] = this.#open.values();
    if (oldest !== undefined) this.#close(oldest, false);
  }

  #sweep(line: LogLine): void {
    this.#sinceSweep = 0;
    for (const open of new Set(this.#open.values())) if (this.#isSilent(open, line)) this.#close(open, false);
  }

  #release(): void {
    const done = this.#done.toSorted((a, b) => a.firstLine - b.firstLine);
    this.#done = [];
    for (const report of done) this.#sink.report(report);
  }
}

/** Lines of a report begin with a blank, and none that begins one does; some transports put one blank more before all. */
function findIndented(text: string): Head | null {
  const second = text.charCodeAt(1);
  return second === 0x42 || second === 0x57 || second === 0x55 ? findStart(text.slice(1)) : null;
}

/** The line is part of the report that its printer has open, though alone it would begin one. */
function continues(open: Open, head: Head): boolean {
  const { start } = open.head;
  if (head.start.role === 'panic') return isConsequence(head.text, open.died);
  const near = open.lines <= SAME_FAULT_LINES && open.body.release === null;
  if (head.start.role === 'die') return near && (start.severity === 'fatal' || start.role === 'prelude');
  if (head.start.role === 'prelude' && start.text === 'WARNING: ') return near;
  if (start.role === 'prelude') return near && (head.start.text === 'WARNING: ' || head.start.role === 'prelude');
  if (start.kind === 'slab-corruption' && head.start.kind === 'slab-corruption') return head.start.text !== 'BUG ';
  /** `BUG: memory leak`, then the object; or one line per inlined function, in symbolised logs. */
  return (
    head.start.kind === start.kind && open.lines <= 4 && open.body.steps.length === 0 && sameWords(open.head, head)
  );
}

function sameWords(a: Head, b: Head): boolean {
  return a.start.kind === 'memory-leak' || (a.start === b.start && a.text.endsWith('[inline]'));
}

function started(line: LogLine, head: Head): Open {
  const { number, time } = line;
  return {
    head,
    body: newBody(ownerOf(head, line.caller)),
    firstLine: number,
    lastLine: number,
    time,
    lastTime: time,
    lines: 1,
    died: head.start.severity === 'fatal',
  };
}

/** The whole report is one line, which may stand in the midst of another. */
function isSingle(head: Head): boolean {
  return head.start.trace === false && head.start.guilty.length === 0 && head.start.role === undefined;
}

/** Where the caller of each line is known, lines of another are not in the report, and need not be told apart by task. */
function ownerOf(head: Head, caller: string | null): number | null {
  const owner = caller === null ? HEAD_OWNER.exec(head.text)?.[1] : undefined;
  return owner === undefined ? null : Number(owner);
}

function hasBody({ steps, release, cpu }: Body): boolean {
  return steps.length > 0 || release !== null || cpu !== null;
}

/** Which of two first lines of one report names it. */
function headOf(open: Open, head: Head): Head {
  const { start } = open.head;
  if (start.kind === 'panic' && start.role === 'prelude') return head;
  /** `list_del corruption` and then BUG: the machine did not survive it. */
  if (start.kind === 'list-corruption' && head.start.kind === start.kind) return head;
  if (head.start.role === 'panic' || head.start.role === 'die') return open.head;
  if (start.role === 'prelude' && !CHECKERS.test(head.text)) return head;
  if (open.head.text.endsWith('[inline]')) return head;
  return open.head;
}

/** kernel/panic.c (print_oops_end_marker), the closing ruler of the checkers. */
function isEnd(open: Open, text: string): boolean {
  if (text.startsWith('---[ end ')) return true;
  return text.startsWith('======') && RULED.has(open.head.start.kind) && open.lines > 2;
}
