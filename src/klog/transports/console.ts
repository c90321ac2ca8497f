import { type Decoded, isProgram, type LineDecoder, priority, record } from './decoded.ts';

/** Facilities and levels as `dmesg --decode` names them (util-linux, sys-utils/dmesg.c). */
const FACILITY = 'kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|res\\d|local\\d';
const LEVELS = ['emerg', 'alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug'];
/** `dmesg -d`, and `journalctl -o short-delta`, which marks what it computed by the wall clock. */
const DELTA = '<[ \\d.]+\\*?>';
/** Times of printk, and of `dmesg` with -T, -d, -e, -H and --time-format. */
const STAMP = [
  `\\[ *(?<time>\\d+\\.\\d+)(?: ${DELTA}| {16})?\\]`,
  `\\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d \\d{4}(?: ${DELTA})?\\]`,
  '\\[[A-Z][a-z]{2}[ \\d]\\d \\d\\d:\\d\\d\\]',
  '\\[ *\\+\\d+\\.\\d+\\]',
  `\\[${DELTA}\\]`,
  '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d,\\d{6}[+-]\\d\\d:?\\d\\d(?= )',
].join('|');
const CALLER = '\\[ *(?<caller>[TC]\\d{1,10})\\]';
const HEAD = new RegExp(
  `^(?:<(?<priority>\\d{1,3})>)?(?:(?<facility>${FACILITY}) *:(?<level>${LEVELS.join('|')}) *: ?)?(?:(?<stamp>${STAMP}) ?)?(?:${CALLER} ?)?`,
);
/** The most frequent prefix by far, as `HEAD` reads it. */
const COMMON = new RegExp(`^\\[ *(\\d+\\.\\d+)\\] ?(?:\\[ *([TC]\\d{1,10})\\] ?)?`);
/** A stamp after what a program left on the console without a line feed (a prompt), or after the time of a logger. */
export const WITHIN = new RegExp(`\\[ *(?<time>\\d+\\.\\d{6})\\](?: ?${CALLER})? ?`);
/** Heading of a part of a dump (kernel: fs/pstore/platform.c). */
export const PART = /^[A-Z][A-Za-z ]{1,30}#(\d{1,9}) Part(\d{1,9})$/;

export interface ConsoleHabits {
  /** Its lines have a time: one without was not written by printk. */
  readonly stamped: boolean;
  /** Its lines name their facility: one without is not known to be the kernel's. */
  readonly facilities: boolean;
  /** Host that stands after the time (`journalctl -o short-monotonic`, `short-delta`); null without one. */
  readonly host: string | null;
}

/**
 * Serial console, dmesg in all of its forms, pstore, plain netconsole, `journalctl -o short-monotonic` and `short-delta`. Where no facility
 * stands, words that a program wrote to /dev/kmsg look as the kernel's own; only `dmesg -x` and `-r` tell them apart.
 */
export class ConsoleDecoder implements LineDecoder {
  readonly distrust =
    "it has no time or facility where the kernel's lines have one, or the facility of a program: a program wrote it";
  #habits: ConsoleHabits;

  constructor(habits: ConsoleHabits) {
    this.#habits = habits;
  }

  /** Without any prefix there is nothing to indent by. */
  get indents(): boolean {
    return this.#habits.stamped || this.#habits.facilities;
  }

  get habits(): ConsoleHabits {
    return this.#habits;
  }

  /** From here on lines have a time (a boot loader spoke before the kernel did). */
  becomesStamped(): void {
    this.#habits = { ...this.#habits, stamped: true };
  }

  decode(line: string): Decoded | undefined {
    if (PART.test(line)) return undefined;
    const { stamped, facilities, host } = this.#habits;
    const head = headOf(line);
    if (head.width === 0 && stamped && !facilities && host === null) return within(line);
    if (head.width === 0) return record(line, { fromKernel: !stamped && !facilities });
    const text = line.slice(head.width);
    if (host !== null && text.startsWith(`${host} `)) return ofHost(text, host, head);
    const { time, level, caller, width } = head;
    return record(text, { time, level, caller, width, fromKernel: head.fromKernel && (head.named || !facilities) });
  }
}

type Head = Pick<Decoded, 'time' | 'level' | 'caller' | 'fromKernel' | 'width'>;

/** The prefix of a line; `named`: it names its facility, `stamped`: it has a time of any form. */
export function headOf(line: string): Head & { readonly named: boolean; readonly stamped: boolean } {
  const common = COMMON.exec(line);
  if (common !== null) {
    const [head, seconds, who] = common;
    const width = head.length;
    return {
      width,
      time: Number(seconds),
      caller: who ?? null,
      level: null,
      fromKernel: true,
      named: false,
      stamped: true,
    };
  }
  const match = HEAD.exec(line)!;
  const { priority: number, facility, level, stamp, time, caller } = match.groups!;
  const rank = number === undefined ? null : priority(Number(number));
  return {
    width: match[0].length,
    time: time === undefined ? null : Number(time),
    caller: caller ?? null,
    level: level === undefined ? (rank?.level ?? null) : LEVELS.indexOf(level),
    fromKernel: (rank?.fromKernel ?? true) && (facility === undefined || facility === 'kern'),
    named: number !== undefined || facility !== undefined,
    stamped: stamp !== undefined,
  };
}

/**
 * The kernel stamped it. Without times a line may begin with the name of a task, and that may be `[1.000000] BUG:`; a stamp
 * of the kernel is longer than a name, because it has five places before the point.
 */
export function hasStamp(line: string): boolean {
  return headOf(line).stamped && !isProgram(line);
}

function within(line: string): Decoded {
  const match = WITHIN.exec(line);
  if (match === null) return record(line, { fromKernel: false });
  const { time, caller = null } = match.groups!;
  return record(line.slice(match.index + match[0].length), { time: Number(time), caller });
}

function ofHost(text: string, host: string, { time, level, caller, width, ...head }: Head): Decoded {
  const match = /^(\S+?)(?:\[\d+\])?: ?/.exec(text.slice(host.length + 1));
  if (match === null) return record(text, { time, level, caller, width, fromKernel: false });
  const skipped = host.length + 1 + match[0].length;
  const fromKernel = head.fromKernel && match[0].startsWith('kernel: ');
  return record(text.slice(skipped), { time, level, caller, fromKernel, width: width + skipped });
}
