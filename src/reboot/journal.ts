import { hasCode, isRebootAction, messageOf } from '#domain';
import { appendSynced, readLimited, writeAtomic } from '#host';
import { RebootError } from './error.ts';
import type { PlanRecord } from './plan-run.ts';

export const MAX_JOURNAL_BYTES = 4 << 20;
/** Above this the records of old plans are dropped before a new one starts. */
const COMPACT_BYTES = 1 << 20;
const RECORDS_KEPT = 500;

interface Whole {
  readonly records: readonly PlanRecord[];
  /** Bytes of whole lines. */
  readonly bytes: number;
}

/** What was done on this host: one JSON object a line, each on the disk before `add` returns. */
export class Journal {
  readonly #path: string;
  #bytes: number;
  #records: PlanRecord[];

  private constructor(path: string, { records, bytes }: Whole) {
    this.#path = path;
    this.#records = [...records];
    this.#bytes = bytes;
  }

  /** Errors: journal-damaged. */
  static async open(path: string): Promise<Journal> {
    const bytes = await readLimited(path, MAX_JOURNAL_BYTES).catch((error: unknown) => {
      if (hasCode(error, 'file-missing')) return Buffer.alloc(0);
      throw damaged(path, error);
    });
    return new Journal(path, parseJournal(bytes, path));
  }

  get records(): readonly PlanRecord[] {
    return this.#records;
  }

  async add(record: PlanRecord): Promise<void> {
    const line = `${JSON.stringify(record)}\n`;
    await appendSynced(this.#path, line, this.#bytes);
    this.#bytes += Buffer.byteLength(line);
    this.#records.push(record);
  }

  /** Forgets the oldest records of a long journal; only between plans. */
  async compact(): Promise<void> {
    if (this.#bytes <= COMPACT_BYTES) return;
    this.#records = this.#records.slice(-RECORDS_KEPT);
    const text = this.#records.map((record) => `${JSON.stringify(record)}\n`).join('');
    await writeAtomic(this.#path, text, 0o600);
    this.#bytes = Buffer.byteLength(text);
  }
}

/**
 * A last line without its end was torn by a power cut: nothing followed it, for it was not yet written. Any other line that cannot be read
 * is damage from outside: what was done is not known any more. Errors: journal-damaged.
 */
export function parseJournal(bytes: Buffer, path: string): Whole {
  const end = bytes.lastIndexOf(0x0a) + 1;
  const lines = bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1);
  const records = lines.map((line) => {
    try {
      return recordOf(JSON.parse(line));
    } catch (error) {
      throw damaged(path, error);
    }
  });
  return { records, bytes: end };
}

const kinds = new Set(['start', 'before', 'after', 'refused', 'end']);

/** The file is root's own: only its shape is checked, against damage. Errors: TypeError. */
function recordOf(value: unknown): PlanRecord {
  if (typeof value !== 'object' || value === null) throw new TypeError('it is no object');
  const { what, plan, boot, uptime, step, steps } = value as Record<string, unknown>;
  const good =
    kinds.has(String(what)) &&
    typeof plan === 'string' &&
    typeof boot === 'string' &&
    typeof uptime === 'number' &&
    (what === 'start' ? Array.isArray(steps) && steps.every(isStep) : what === 'end' || isStep(step));
  if (!good) throw new TypeError('it is no record');
  return value as PlanRecord;
}

function isStep(value: unknown): boolean {
  return typeof value === 'string' && isRebootAction(value);
}

function damaged(path: string, cause: unknown): RebootError {
  return new RebootError('journal-damaged', 'input', {
    what: `the journal of what was done here cannot be read: ${messageOf(cause)}`,
    where: path,
    remedy: "look at where the host's work is, then move the file away",
    cause,
  });
}
