import { textOf } from '../bytes.ts';
import { cleaned } from '../clean.ts';
import { type Decoded, type LineDecoder, priority, record } from './decoded.ts';

const FIELDS = '(?:\\d+\\.\\d[^,;]*,)?(\\d{1,4}),(\\d+),(\\d+),([-c+])((?:,[^;]*)?);';
/** Head of a record of /dev/kmsg (Documentation/ABI/testing/dev-kmsg), or of netconsole with the kernel's release first. */
export const KMSG_HEAD = new RegExp(`^${FIELDS}`);
/** End of the head of a later fragment, which a packet capture leaves in the same line. */
const LATER = /,ncfrag=(\d+)\/\d+(?:,[^;]*)?;/;
const MICROSECONDS = 1e6;

/**
 * Records of /dev/kmsg and of extended netconsole (Documentation/networking/netconsole.rst), the only forms with which the
 * kernel itself says who wrote: a record of facility 0 is the kernel's, and what a program writes never has facility 0.
 */
export class KmsgDecoder implements LineDecoder {
  readonly indents = false;
  readonly distrust = 'its facility is not 0: a program wrote it';

  decode(line: string): Decoded | undefined {
    const match = KMSG_HEAD.exec(line);
    if (match === null) return undefined;
    const [head, prio, sequence, time, flag, extra] = match as unknown as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const caller = /,caller=([TC]\d+)/.exec(extra)?.[1] ?? null;
    const fragment = /,ncfrag=(\d+)\/(\d+)/.exec(extra);
    const body = line.slice(head.length);
    const joined = fragment === null ? { text: body, part: continuation(flag) } : assembled(body, sequence, fragment);
    return record(joined.part === null ? this.whole(joined.text) : joined.text, {
      ...priority(Number(prio)),
      time: Number(time) / MICROSECONDS,
      caller,
      part: joined.part,
    });
  }

  whole(fragments: string): string {
    return cleaned(unescaped(fragments));
  }
}

/** `c`: more of the line may follow, marked `+` by kernels before 5.10. A later `c` is a line of its own, as on the console. */
function continuation(flag: string): Decoded['part'] {
  return flag === '-' ? null : { of: 'line', first: flag === 'c', last: false };
}

/** Fragments that stand in the same line, put together; lengths are those of the escaped text, which is ASCII. */
function assembled(body: string, sequence: string, fragment: RegExpExecArray): Pick<Decoded, 'text' | 'part'> {
  const [from, total] = [Number(fragment[1]), Number(fragment[2])];
  let text = '';
  let rest = body;
  for (let next = LATER.exec(rest); next !== null; next = LATER.exec(rest)) {
    // Its offset says how long the text before it is; digits at its end would read as part of the head.
    const length = Number(next[1]) - from - text.length;
    const head = length < 0 ? null : KMSG_HEAD.exec(rest.slice(length));
    if (head?.[2] !== sequence || length + head[0].length !== next.index + next[0].length) break;
    text += rest.slice(0, length);
    rest = rest.slice(length + head[0].length);
  }
  text += rest;
  if (from === 0 && text.length >= total) return { text, part: null };
  return { text, part: { of: sequence, first: from === 0, last: from + text.length >= total } };
}

/** `\xNN` is one byte; the kernel writes so whatever is not printable ASCII, and the backslash. */
function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/(?:\\x[0-9a-fA-F]{2})+/g, (run) =>
    textOf(Uint8Array.from(run.slice(2).split('\\x'), (digits) => Number.parseInt(digits, 16))),
  );
}
