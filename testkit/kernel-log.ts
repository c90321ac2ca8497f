/** One log of the kernel, written the way each transport writes it. */
import { Buffer } from 'node:buffer';

/** A record as printk was given it, or as a program wrote it to /dev/kmsg. */
export interface Printed {
  /** May hold line feeds, controls and any characters. */
  readonly text: string;
  readonly microseconds: number;
  readonly level: number;
  readonly caller: string;
  /** A program wrote it: journald takes `identifier[pid]: ` apart; null: the kernel. */
  readonly program: { readonly identifier: string; readonly pid: number } | null;
}

/** Which fields a transport keeps; the others are null in what is read, and trust is by the text alone. */
export interface Kept {
  /** `kernel`: only of what the kernel wrote. */
  readonly time: boolean | 'kernel';
  readonly level: boolean;
  readonly caller: boolean;
  readonly trust: boolean;
  /** The further lines of a record can be told from records of their own. */
  readonly rest: boolean;
}

export interface Encoder extends Kept {
  readonly encode: (log: readonly Printed[]) => Buffer;
}

type Text = (log: readonly Printed[]) => string;

const FACILITY_DAEMON = 3;
const FACILITIES = { kern: 'kern', program: 'daemon' };
const LEVELS = ['emerg', 'alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug'];
const HOST = 'node-7';
const GREEN = '\x1b[32m';
const BROWN = '\x1b[33m';
const RESET = '\x1b[0m';
const FRAGMENT_LETTERS = 40;

/** What stands in the text of a program's record in /dev/kmsg. */
function written({ text, program }: Printed): string {
  return program === null ? text : `${program.identifier}[${program.pid}]: ${text}`;
}

function stamp({ microseconds }: Printed): string {
  const seconds = Math.floor(microseconds / 1e6);
  return `[${String(seconds).padStart(5)}.${String(microseconds % 1e6).padStart(6, '0')}]`;
}

function priorityOf({ level, program }: Printed): number {
  return ((program === null ? 0 : FACILITY_DAEMON) << 3) | level;
}

function decodedPriority({ level, program }: Printed): string {
  return `${(program === null ? FACILITIES.kern : FACILITIES.program).padEnd(6)}:${LEVELS[level]!.padEnd(6)}: `;
}

/** Each line of a record has the prefix: console, syslog(2), pstore. */
function prefixed(prefix: (record: Printed) => string, end = '\n'): Text {
  return (log) =>
    log
      .flatMap((record) =>
        written(record)
          .split('\n')
          .map((line) => `${prefix(record)}${line}${end}`),
      )
      .join('');
}

/** The first line has it, the others are indented by its width: dmesg of util-linux and journalctl. */
function indented(prefix: (record: Printed) => string, text = written): Text {
  return (log) =>
    log
      .map((record) => `${prefix(record)}${text(record).replaceAll('\n', `\n${' '.repeat(prefix(record).length)}`)}\n`)
      .join('');
}

const caller = (record: Printed): string => `[${record.caller.padStart(6)}]`;
const wall = (record: Printed): Date => new Date(Date.UTC(2026, 10, 24, 23, 28, 55) + record.microseconds / 1000);

function escaped(text: string): string {
  const bytes = [...Buffer.from(text)];
  return bytes
    .map((byte) =>
      byte < 32 || byte >= 127 || byte === 92 ? `\\x${byte.toString(16).padStart(2, '0')}` : String.fromCharCode(byte),
    )
    .join('');
}

function kmsg(record: Printed, sequence: number, extra = `,caller=${record.caller}`): string {
  return `${priorityOf(record)},${sequence},${record.microseconds},-${extra};`;
}

function fragments(record: Printed, sequence: number, end: string): string {
  const body = escaped(written(record));
  if (body.length <= FRAGMENT_LETTERS) return `${kmsg(record, sequence)}${body}\n`;
  const parts: string[] = [];
  for (let at = 0; at < body.length; at += FRAGMENT_LETTERS) {
    const extra = `,caller=${record.caller},ncfrag=${at}/${body.length}`;
    parts.push(kmsg(record, sequence, extra) + body.slice(at, at + FRAGMENT_LETTERS));
  }
  return `${parts.join(end)}\n`;
}

/** As journald keeps a record of /dev/kmsg. */
function fieldsOf({ program, level, microseconds }: Printed): Readonly<Record<string, string>> {
  return {
    __CURSOR: 's=0;i=1',
    _TRANSPORT: 'kernel',
    _HOSTNAME: HOST,
    PRIORITY: String(level),
    SYSLOG_FACILITY: program === null ? '0' : String(FACILITY_DAEMON),
    SYSLOG_IDENTIFIER: program?.identifier ?? 'kernel',
    ...(program === null ? {} : { SYSLOG_PID: String(program.pid) }),
    _SOURCE_MONOTONIC_TIMESTAMP: String(microseconds),
  };
}

/** Text that is not printable becomes a list of bytes (systemd, "JSON Format"). */
function inJson(record: Printed): Readonly<Record<string, unknown>> {
  const printable = !/[^\P{Cc}\n\t]|\uFFFD/u.test(record.text);
  return { ...fieldsOf(record), MESSAGE: printable ? record.text : [...Buffer.from(record.text)] };
}

function entry(record: Printed): string {
  return `${JSON.stringify(inJson(record))}\n`;
}

/** A field a line, a number of a list a line (systemd, json_format). */
function prettyEntry(record: Printed): string {
  return `${JSON.stringify(inJson(record), null, '\t').replace(/^(\t"\w+"):/gm, '$1 :')}\n`;
}

/** A value that is no printable line goes with its length (systemd, "Journal Export Format"). */
function exportEntry(record: Printed): Buffer {
  const text = Buffer.from(record.text);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  const isLine = !/[^\P{Cc}\t]|\uFFFD/u.test(record.text);
  const message = isLine ? [`MESSAGE=${record.text}`] : ['MESSAGE\n', size, text];
  const fields = Object.entries(fieldsOf(record)).map(([name, value]) => `${name}=${value}\n`);
  return Buffer.concat([...fields, ...message, '\n\n'].map((part) => Buffer.from(part)));
}

/** With `-a`, as `journalctl -k` is read by people who want all (systemd, output_verbose and print_multiline). */
function verboseEntry(record: Printed): string {
  const { __CURSOR: cursor, ...fields } = fieldsOf(record);
  const text = record.text.replace(/\n$/, '').replaceAll('\n', `\n${' '.repeat('    MESSAGE='.length)}`);
  return [
    `Tue 2026-11-24 23:28:55.123456 UTC [${cursor}]`,
    ...Object.entries({ ...fields, MESSAGE: text }).map(([name, value]) => `    ${name}=${value}`),
    '',
  ].join('\n');
}

function identifier({ program }: Printed): string {
  return program === null ? 'kernel: ' : `${program.identifier}[${program.pid}]: `;
}

const MONTH = 'Nov';
function syslogTime(record: Printed): string {
  const date = wall(record);
  return `${MONTH} ${String(date.getUTCDate()).padStart(2)} ${date.toISOString().slice(11, 19)}`;
}

function pstore(log: readonly Printed[]): string {
  const line = prefixed((record) => `<${priorityOf(record)}>${stamp(record)}${caller(record)} `);
  const half = Math.ceil(log.length / 2);
  const parts = [log.slice(half), log.slice(0, half)];
  return parts.map((part, i) => `Panic#2 Part${i + 1}\n${line(part)}`).join('');
}

/** The time in green, the subsystem before the first colon in brown (util-linux, sys-utils/dmesg.c). */
function coloured(log: readonly Printed[]): string {
  return log
    .flatMap((record) =>
      written(record)
        .split('\n')
        .map((line) => `${GREEN}${stamp(record)} ${RESET}${inBrown(line)}\n`),
    )
    .join('');
}

function inBrown(line: string): string {
  const colon = line.indexOf(': ');
  return colon < 0 ? line : `${BROWN}${line.slice(0, colon)}${RESET}${line.slice(colon)}`;
}

const PLAIN: Kept = { time: true, level: false, caller: false, trust: false, rest: false };
const NO_TIME: Kept = { ...PLAIN, time: false };
const RAW: Kept = { time: true, level: true, caller: true, trust: true, rest: true };
const JOURNAL: Kept = { time: false, level: false, caller: false, trust: true, rest: true };

const all: Readonly<Record<string, Kept & { readonly encode: (log: readonly Printed[]) => string | Buffer }>> = {
  console: { ...PLAIN, caller: true, encode: prefixed((r) => `${stamp(r)}${caller(r)} `) },
  'console without callers': { ...PLAIN, encode: prefixed((r) => `${stamp(r)} `) },
  'serial console': { ...PLAIN, caller: true, encode: prefixed((r) => `${stamp(r)}${caller(r)} `, '\r\n') },
  'dmesg of util-linux': { ...PLAIN, caller: true, rest: true, encode: indented((r) => `${stamp(r)} ${caller(r)} `) },
  'dmesg -r': { ...RAW, rest: false, encode: prefixed((r) => `<${priorityOf(r)}>${stamp(r)}${caller(r)} `) },
  'dmesg -x': { ...RAW, caller: false, encode: indented((r) => `${decodedPriority(r)}${stamp(r)} `) },
  'dmesg -T': {
    ...NO_TIME,
    rest: true,
    encode: indented((r) => `[Tue Nov 24 ${wall(r).toISOString().slice(11, 19)} 2026] `),
  },
  'dmesg --time-format iso': {
    ...NO_TIME,
    rest: true,
    encode: indented((r) => `2026-11-24T23:28:55,${String(r.microseconds % 1e6).padStart(6, '0')}+00:00 `),
  },
  'dmesg -d': { ...PLAIN, rest: true, encode: indented((r) => `${stamp(r).slice(0, -1)} <    0.000012>] `) },
  'dmesg in colours': { ...PLAIN, encode: coloured },
  kmsg: { ...RAW, encode: (log) => log.map((r, i) => `${kmsg(r, i)}${escaped(written(r))}\n`).join('') },
  'kmsg with keys': {
    ...RAW,
    caller: false,
    encode: (log) =>
      log.map((r, i) => `${kmsg(r, i, '')}${escaped(written(r))}\n SUBSYSTEM=usb\n DEVICE=+usb:1-1\n`).join(''),
  },
  'extended netconsole': {
    ...RAW,
    encode: (log) => log.map((r, i) => fragments(r, i, '')).join(''),
  },
  'extended netconsole, a fragment a line': {
    ...RAW,
    encode: (log) => log.map((r, i) => `6.12.1,${fragments(r, i, '\n6.12.1,')}`).join(''),
  },
  'journal short': {
    ...JOURNAL,
    encode: indented(
      (r) => `${syslogTime(r)} ${HOST} ${identifier(r)}`,
      ({ text }) => text,
    ),
  },
  'journal short-iso': {
    ...JOURNAL,
    encode: indented(
      (r) => `${wall(r).toISOString().slice(0, 19)}+0000 ${HOST} ${identifier(r)}`,
      ({ text }) => text,
    ),
  },
  'journal short-precise': {
    ...JOURNAL,
    encode: indented(
      (r) => `${syslogTime(r)}.123456 ${HOST} ${identifier(r)}`,
      ({ text }) => text,
    ),
  },
  'journal short-full': {
    ...JOURNAL,
    encode: indented(
      (r) => `Tue 2026-11-24 23:28:55 UTC ${HOST} ${identifier(r)}`,
      ({ text }) => text,
    ),
  },
  'journal short-monotonic': {
    ...JOURNAL,
    time: true,
    encode: indented(
      (r) => `${stamp(r)} ${HOST} ${identifier(r)}`,
      ({ text }) => text,
    ),
  },
  rsyslog: {
    ...JOURNAL,
    time: 'kernel',
    rest: false,
    encode: (log) =>
      log
        .flatMap((r) =>
          r.text
            .split('\n')
            .map(
              (line) => `${syslogTime(r)} ${HOST} ${identifier(r)}${r.program === null ? `${stamp(r)} ` : ''}${line}\n`,
            ),
        )
        .join(''),
  },
  'journal with-unit': {
    ...JOURNAL,
    encode: indented(
      (r) => `Tue 2026-11-24 23:28:55 +06 ${HOST} ${identifier(r).replace('systemd[', 'init.scope[')}`,
      ({ text }) => text,
    ),
  },
  'journal short-unix': {
    ...JOURNAL,
    encode: indented(
      (r) => `1795582870.123456 ${HOST} ${identifier(r)}`,
      ({ text }) => text,
    ),
  },
  'journal short-delta': {
    ...JOURNAL,
    time: true,
    encode: (log) =>
      log
        .map((r, i) =>
          indented(
            () =>
              `${stamp(r).slice(0, -1)}${i === 0 ? ' '.repeat(16) : ` <    0.000012${i % 2 === 0 ? ' ' : '*'}>`}] ${HOST} ${identifier(r)}`,
            ({ text }) => text,
          )([r]),
        )
        .join(''),
  },
  'journal json': { ...RAW, caller: false, encode: (log) => log.map(entry).join('') },
  'journal json-sse': { ...RAW, caller: false, encode: (log) => log.map((r) => `data: ${entry(r)}\n`).join('') },
  'journal json-seq': { ...RAW, caller: false, encode: (log) => log.map((r) => `\x1e${entry(r)}`).join('') },
  'journal json-pretty': { ...RAW, caller: false, encode: (log) => log.map(prettyEntry).join('') },
  'journal export': { ...RAW, caller: false, encode: (log) => Buffer.concat(log.map(exportEntry)) },
  'journal verbose': { ...RAW, caller: false, encode: (log) => log.map(verboseEntry).join('') },
  pstore: { ...RAW, rest: false, encode: pstore },
};

/** Every transport by name. */
export const encoders: Readonly<Record<string, Encoder>> = Object.fromEntries(
  Object.entries(all).map(([name, { encode, ...kept }]) => [
    name,
    { ...kept, encode: (log: readonly Printed[]): Buffer => Buffer.from(encode(log)) },
  ]),
);
