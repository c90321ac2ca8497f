import Table from 'cli-table3';
import { InvalidArgumentError } from 'commander';
import { predictedBand, severityOf } from '#domain';

/**
 * A plain table: a head line and rows, columns padded, no frame, so that it can be read, copied and piped.
 * Control characters of hostile text are shown as `?`: nothing may move the cursor of a terminal.
 */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const view = new Table({
    head: [...head],
    chars: {
      ...{
        top: '',
        'top-mid': '',
        'top-left': '',
        'top-right': '',
        bottom: '',
        'bottom-mid': '',
        'bottom-left': '',
        'bottom-right': '',
      },
      ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
    },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) view.push(row.map((cell) => inert(String(cell))));
  return view
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Text of unknown origin, made safe for a terminal. */
export function inert(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are exactly the characters to catch
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '?');
}

/** The same for a text of several lines, whose line ends and tabs stay. */
export function inertLines(text: string): string {
  return text.replace(/[^\n\t]+/g, inert);
}

/** A flag that may be given again: all its values, in order. */
export function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

/** Cut for who reads it on a terminal. In a pipe or a file nothing is: there it is searched, and read by programs. */
export function shorten(text: string, width: number, isTerminal = process.stdout.isTTY): string {
  return !isTerminal || text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

const SHORT_ID = 12;

/** A commit, hash or build-id in a table, with as many letters as git shows; whole in a pipe or a file. */
export function shortId(id: string, isTerminal = process.stdout.isTTY): string {
  return isTerminal ? id.slice(0, SHORT_ID) : id;
}

/** "3 minutes ago", for people; machines read the timestamp. */
export function ago(at: Date, now: number): string {
  const seconds = Math.max(0, Math.round((now - at.getTime()) / 1000));
  const units: [number, string][] = [
    [86_400, 'day'],
    [3_600, 'hour'],
    [60, 'minute'],
    [1, 'second'],
  ];
  const [size, name] = units.find(([unit]) => seconds >= unit) ?? [1, 'second'];
  const count = Math.floor(seconds / size);
  return `${count} ${name}${count === 1 ? '' : 's'} ago`;
}

/** `HIGH 7.8`, or `not scored`: never a zero. */
export function severityText(score: number | null): string {
  return score === null ? 'not scored' : `${severityOf(score).toUpperCase()} ${score.toFixed(1)}`;
}

/** As `severityText`; a CVE nobody scored shows its predicted band, in words that cannot be taken for a score. */
export function severityOrPrediction(score: number | null, predicted: number | null): string {
  if (score !== null || predicted === null) return severityText(score);
  return `predicted ${predictedBand(predicted).replace('-', ' ')}`;
}

/** A flag's number, from 0. Errors: usage (commander). */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('a whole number from 0 is wanted');
  return Number(text);
}
