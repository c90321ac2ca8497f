import type { ReadStream } from 'node:tty';
import { HostError } from './error.ts';

const MAX_LINE = 4_096;
const [CTRL_C, CTRL_D, BACKSPACE, DELETE] = ['\u0003', '\u0004', '\b', '\u007f'];

/**
 * Asks on the terminal for a line that is not shown. The terminal is put back, however it ends.
 * Errors: no-terminal; prompt-stopped, by Ctrl-C or Ctrl-D.
 */
export async function askSecret(question: string, input: ReadStream = process.stdin): Promise<string> {
  if (!input.isTTY)
    throw new HostError('no-terminal', 'input', { what: 'there is no terminal to ask on', where: question });
  // Silent before it asks: what is typed at once must not be shown either.
  input.setRawMode(true);
  process.stderr.write(question);
  input.setEncoding('utf8');
  try {
    let line = '';
    for await (const chunk of input.iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
      for (const letter of chunk) {
        if (letter === '\r' || letter === '\n') return line;
        if (letter === CTRL_C || letter === CTRL_D) throw new HostError('prompt-stopped', 'input', { what: 'stopped' });
        if (letter === BACKSPACE || letter === DELETE) line = Array.from(line).slice(0, -1).join('');
        else if (line.length < MAX_LINE) line += letter;
      }
    }
    throw new HostError('prompt-stopped', 'input', { what: 'the terminal went away' });
  } finally {
    input.setRawMode(false);
    input.pause();
    process.stderr.write('\n');
  }
}
