/** What the machine's second serial line says. */
export type VmMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'result'; readonly id: number; readonly exitCode: number; readonly output: string };

/** Reads the lines of the command line protocol out of a stream of chunks; anything else on the line is passed over. */
export class VmProtocol {
  #rest = '';

  push(chunk: string): VmMessage[] {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop()!;
    return lines.flatMap((line) => {
      const message = parseLine(line.replace(/\r$/, ''));
      return message ? [message] : [];
    });
  }
}

function parseLine(line: string): VmMessage | undefined {
  if (line === '!ready') return { kind: 'ready' };
  const match = /^=(\d{1,9}) (\d{1,3}) ([A-Za-z0-9+/=]*)$/.exec(line);
  if (!match) return undefined;
  return {
    kind: 'result',
    id: Number(match[1]),
    exitCode: Number(match[2]),
    output: Buffer.from(match[3]!, 'base64').toString('utf8'),
  };
}

/** One request line: the command travels as base64, so no byte of it can end the line. */
export function requestLine(id: number, command: string): string {
  return `${id} ${Buffer.from(command).toString('base64')}\n`;
}
