import type { LogLine } from '../line.ts';
import { findStart } from '../reports/starts/index.ts';
import { isAboutTask } from '../reports/tasks.ts';
import { isProgram } from '../transports/decoded.ts';

/** Words that begin the gravest reports, wherever they stand in a line. */
const WORDS = /.(?:\bBUG: |\bWARNING: |\bOops: |\bKernel panic - |\bgeneral protection fault|\bkernel BUG at )/;
const PROGRAM = /^.{1,64}?\[\d{1,10}\]: /;

export interface Around {
  /** A report was open: its lines quote such words. */
  readonly gathering: boolean;
  /** Why this transport does not believe a line. */
  readonly distrust: string;
}

/** Why a line that has the words of a report makes none; null: it makes one, or has no such words. */
export function doubtOf(line: LogLine, { gathering, distrust }: Around): string | null {
  const { text, fromKernel, rest } = line;
  const starts = findStart(text) !== null || findStart(text.replace(PROGRAM, '')) !== null;
  if (!fromKernel) {
    if (!starts && !WORDS.test(text)) return null;
    return isProgram(text) ? 'it begins as the words of a program, or those about a task, do: name[123]: ' : distrust;
  }
  if (isAboutTask(text) && WORDS.test(` ${text}`)) return 'it begins with the name of a task, which anybody chooses';
  if (starts && rest) return 'it stands behind a line feed within one record';
  if (gathering || starts || !WORDS.test(text)) return null;
  return 'the words stand within the line, where names of tasks, files and devices stand';
}
