import { inspect } from 'node:util';
import { StageError } from '#domain';
import { ConfigChangeError } from '#kernel';
import type { Step } from './context.ts';
import { inertLines } from './text.ts';

const BAR_WIDTH = 24;
const PLAIN_EVERY_MS = 5_000;
const BAR_EVERY_MS = 100;

/** JSON for scripts: maps and dates become plain values, so that nothing is silently printed as `{}`. */
export function toJson(value: unknown, indent = 2): string {
  return JSON.stringify(
    value,
    (_key, item: unknown) => (item instanceof Map ? Object.fromEntries(item) : item),
    indent,
  );
}

/** The one shape of an error on the terminal: what, where, what to do; the causes below, without repeating. */
export function renderError(error: unknown): string {
  if (!(error instanceof StageError))
    return `tuxtape: internal error\n${inspect(error)}\n  do:    please report this with the text above`;
  const lines = [`tuxtape: ${error.message} [${error.code}]`];
  if (error.where !== undefined) lines.push(`  where: ${error.where}`);
  if (error.remedy !== undefined) lines.push(`  do:    ${error.remedy}`);
  const seen = new Set([error.message]);
  for (let cause = error.cause, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) {
    if (!seen.has(cause.message)) lines.push(`  cause: ${cause.message}`);
    seen.add(cause.message);
  }
  return inertLines(lines.join('\n'));
}

export function errorToJson(error: unknown): unknown {
  if (!(error instanceof StageError)) return { error: { code: 'internal', fault: 'us', what: String(error) } };
  const { code, fault, where, remedy } = error;
  const changes = error instanceof ConfigChangeError ? { changes: error.changes } : {};
  return { error: { code, fault, what: error.message, where, remedy, ...changes } };
}

/** A bar that redraws on a terminal; plain lines, some seconds apart, elsewhere. Writes to stderr: stdout is for results. */
export class Progress {
  readonly #title: string;
  readonly #stream: NodeJS.WriteStream;
  readonly #started = performance.now();
  #last = -Infinity;

  constructor(title: string, stream: NodeJS.WriteStream = process.stderr) {
    this.#title = title;
    this.#stream = stream;
  }

  readonly step: Step = (done, total, note = '') => {
    const now = performance.now();
    const finished = total !== null && done >= total;
    if (!finished && now - this.#last < (this.#stream.isTTY ? BAR_EVERY_MS : PLAIN_EVERY_MS)) return;
    this.#last = now;
    const count = total === null ? `${done}` : `${done}/${total}`;
    if (!this.#stream.isTTY) {
      this.#stream.write(`${this.#title}: ${count}${note === '' ? '' : ` ${note}`}\n`);
      return;
    }
    const filled = total === null || total === 0 ? 0 : Math.round((BAR_WIDTH * Math.min(done, total)) / total);
    const bar = total === null ? '' : `[${'█'.repeat(filled)}${'·'.repeat(BAR_WIDTH - filled)}] `;
    const line = `${this.#title} ${bar}${count} ${note}`.slice(0, (this.#stream.columns || 80) - 1);
    this.#stream.write(`\r\x1b[2K${line}`);
  };

  /** `after` says what is left, where it was stopped. */
  end(how: 'done' | 'failed' | 'stopped', after = ''): void {
    const seconds = ((performance.now() - this.#started) / 1000).toFixed(1);
    const line =
      how === 'stopped'
        ? `${this.#title}: stopped${after === '' ? '' : `; ${after}`}`
        : `${this.#title}: ${how} in ${seconds} s`;
    this.#stream.write(this.#stream.isTTY ? `\r\x1b[2K${line}\n` : `${line}\n`);
  }
}
