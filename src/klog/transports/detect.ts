import type { Transport } from '../line.ts';
import { ConsoleDecoder, type ConsoleHabits, hasStamp, headOf, WITHIN } from './console.ts';
import { isProgram, type LineDecoder } from './decoded.ts';
import { EntryDecoder } from './entries/entry.ts';
import { ExportJoiner } from './entries/export.ts';
import { PrettyJoiner } from './entries/pretty.ts';
import { VERBOSE_HEAD, VerboseJoiner } from './entries/verbose.ts';
import { JournalJsonDecoder } from './journal-json.ts';
import { JOURNAL_HEAD, JournalShortDecoder } from './journal-short.ts';
import { KMSG_HEAD, KmsgDecoder } from './kmsg.ts';

/** Lines at the beginning of a stream that decide what it is. */
export const WINDOW = 64;
/** So much of the window must be of a form: what a program wrote, or a cut first line, decides nothing. */
const MOST = 3 / 4;
/** So much of it with a time, and a line without a time is not printk's: firmware and programs share a serial console. */
const SOME = 1 / 4;

/** The transports that say with each line what they are: nothing has to be held back to read them. */
const PLAIN: Partial<Record<Transport, () => LineDecoder>> = {
  kmsg: () => new KmsgDecoder(),
  'journal-short': () => new JournalShortDecoder(),
  'journal-json': () => new JournalJsonDecoder(),
  'journal-json-pretty': () => new EntryDecoder((isWanted) => new PrettyJoiner(isWanted)),
  'journal-export': () => new EntryDecoder((isWanted) => new ExportJoiner(isWanted)),
  'journal-verbose': () => new EntryDecoder((isWanted) => new VerboseJoiner(isWanted)),
};

export function decoderOf(transport: Transport | undefined): LineDecoder | undefined {
  return transport === undefined ? undefined : PLAIN[transport]?.();
}

/**
 * What a stream is, by its first lines without controls. Decided once: no later line changes it. Whoever wants to mislead
 * must write the column where the transport's own prefix stands, in three of four lines.
 */
export function detect(window: readonly string[], transport?: Transport): LineDecoder {
  const lines = window.filter((line) => line.trim() !== '');
  const told = structured(lines, transport) ?? structured(lines.slice(1), transport);
  return told ?? new ConsoleDecoder(habitsOf(lines));
}

/** Not a console; the first line of a stream may be cut, so that it is tried without it too. */
function structured(lines: readonly string[], transport: Transport | undefined): LineDecoder | undefined {
  const most = (all: readonly string[], test: (line: string) => boolean): boolean =>
    all.some(test) && all.filter(test).length >= MOST * all.length;
  const records = lines.filter((line) => !line.startsWith(' '));
  if (transport !== 'console' && most(records, (line) => KMSG_HEAD.test(line))) return new KmsgDecoder();
  if (transport !== undefined) return undefined;
  if (EXPORT_HEAD.every((field, i) => lines[i]?.startsWith(field) === true)) return decoderOf('journal-export');
  const entries = FORMS.find(
    ([, begins, goesOn]) => lines.some(begins) && most(lines, (line) => begins(line) || goesOn(line)),
  );
  if (entries !== undefined) return decoderOf(entries[0]);
  if (most(lines, isEntry)) return new JournalJsonDecoder();
  const told = records.filter((line) => !line.startsWith('-- '));
  return most(told, (line) => JOURNAL_HEAD.test(line)) ? new JournalShortDecoder() : undefined;
}

/** Fields that begin an entry of the export format: a message in bytes may fill the rest of the window with any lines. */
const EXPORT_HEAD = ['__CURSOR=', '__REALTIME_TIMESTAMP=', '__MONOTONIC_TIMESTAMP='];

/**
 * Entries over several lines: how one begins, and how its further lines look. A value of several lines is at most a few of
 * an entry, but for bytes in JSON, a line each.
 */
const FORMS: readonly (readonly [Transport, (line: string) => boolean, (line: string) => boolean])[] = [
  ['journal-verbose', (line) => VERBOSE_HEAD.test(line), (line) => /^ {4}[A-Z_][A-Z0-9_]*=|^ {6}/.test(line)],
  ['journal-export', (line) => line.startsWith('__CURSOR='), (line) => /^[A-Z_][A-Z0-9_]*(?:=|$)/.test(line)],
  ['journal-json-pretty', (line) => line === '{', (line) => /^(?:\}|\s+(?:"[A-Z0-9_]+"\s*:|\d+,?$|\],?$))/.test(line)],
];

function isEntry(line: string): boolean {
  return /^(?:data: )?\{\s*"/.test(line);
}

function habitsOf(lines: readonly string[]): ConsoleHabits {
  const heads = lines.map(headOf);
  const share = (test: (line: string) => boolean): number => lines.filter(test).length / lines.length;
  const own = heads.filter(({ width }) => width > 0);
  return {
    stamped: lines.some(isStamped) && (share(hasStamp) >= SOME || share(isStamped) >= MOST),
    facilities: own.length > 0 && own.filter(({ named }) => named).length >= MOST * own.length,
    host: hostOf(lines.flatMap((line, i) => (heads[i]!.width > 0 ? [line.slice(heads[i]!.width)] : []))),
  };
}

/** At its beginning or after something else. */
function isStamped(line: string): boolean {
  return hasStamp(line) || (WITHIN.test(line) && !isProgram(line));
}

/** The host that `short-monotonic` writes before the identifier, the same in each line. */
function hostOf(texts: readonly string[]): string | null {
  const hosts = texts.map((text) => /^(\S+) [^\s:[\]]+(?:\[\d+\])?: /.exec(text)?.[1]);
  const host = hosts.find((name, i) => name !== undefined && /^\S+ (?:kernel|[^\s:[\]]+\[\d+\]): /.test(texts[i]!));
  return host !== undefined && hosts.filter((name) => name === host).length >= MOST * texts.length ? host : null;
}
