import { headOf } from './console.ts';
import { type Decoded, type LineDecoder, record } from './decoded.ts';

/**
 * `short`, `short-iso`, `short-precise`, `short-full`, `with-unit`, `short-unix` of journalctl, and the files of rsyslog. A zone
 * without a name is `+06`.
 */
const TIME = [
  '[A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?',
  '(?:[A-Z][a-z]{2} )?\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?(?:[+-]\\d\\d:?\\d\\d|Z| (?:[A-Z]{2,5}|[+-]\\d{2,4}))?',
  '\\d{9,11}\\.\\d{6}',
].join('|');
export const JOURNAL_HEAD = new RegExp(`^(?:${TIME}) (?:\\S+ )?(?<identifier>[^\\s:[\\]]+)(?<pid>\\[\\d+\\])?: ?`);
/**
 * A program chooses its identifier, with spaces and colons: `kernel: BUG: x` with its process id behind. Such a line is
 * no proof of anything.
 */
const PID_WITHIN = /\[\d+\]: /;

/**
 * Lines of syslog form. `kernel:` without a process id is what journald writes for the kernel; whoever may write to the
 * journal can still give an identifier with line feeds, so for proof take `-o json`, or `journalctl -k`.
 */
export class JournalShortDecoder implements LineDecoder {
  readonly indents = true;
  readonly distrust = 'its identifier is not kernel, or has a process id: a program wrote it';

  decode(line: string): Decoded | undefined {
    const match = JOURNAL_HEAD.exec(line);
    if (match === null) return record(line, { fromKernel: false });
    const { identifier, pid } = match.groups!;
    const rest = line.slice(match[0].length);
    if (identifier !== 'kernel' || pid !== undefined || PID_WITHIN.test(rest))
      return record(rest, { fromKernel: false, width: match[0].length });
    // rsyslog keeps the time of printk.
    const { width, time, caller } = rest.startsWith('[') ? headOf(rest) : NONE;
    return record(rest.slice(width), { time, caller, width: match[0].length + width });
  }
}

const NONE = { width: 0, time: null, caller: null } as const;
