import type { CveId, Quarantined, Signal, SignalSource } from '#domain';
import { readLimited } from '#host';
import { FeedError } from '../error.ts';

/** The outside, as the signal readers see it. */
export interface SignalDoor {
  /** GETs a URL; errors as `fetchBytes`. */
  get(url: string, maxBytes: number, headers?: Readonly<Record<string, string>>): Promise<Buffer>;
  sleep(ms: number): Promise<void>;
  now(): Date;
}

/** What was read from a source. `whole`: it is everything the source says, and what it does not name it says nothing of. */
export interface SignalReading {
  readonly signals: readonly Signal[];
  readonly bad: readonly Quarantined[];
  readonly whole: boolean;
  /** The source's own date of this state; null where it gives none. */
  readonly newest: Date | null;
  /** Where to go on next time; null for sources that are read whole. */
  readonly cursor: string | null;
}

/** CVEs whose signals are kept; everything else a source holds is passed over. */
export type IsOurs = (cve: CveId) => boolean;

/** Reads a source that is one file, from a URL or a path. Errors: as `fetchBytes` and `readLimited`. */
export async function readSource(door: SignalDoor, address: string, maxBytes: number): Promise<Buffer> {
  return address.includes('://') ? door.get(address, maxBytes) : readLimited(address, maxBytes);
}

const MAX_BAD_ROWS = 1_000;

/** Rows of one reading that cannot be read; they are set aside. Too many of them, and it is not what it should be. */
export class BadRows {
  readonly rows: Quarantined[] = [];
  readonly #source: SignalSource;
  readonly #address: string;

  constructor(source: SignalSource, address: string) {
    this.#source = source;
    this.#address = address;
  }

  /** Errors: signal-unreadable, above a thousand rows. */
  add(item: string, reason: string): void {
    if (this.rows.length === MAX_BAD_ROWS)
      throw unreadable(this.#source, this.#address, `more than ${MAX_BAD_ROWS} rows of it cannot be read (${reason})`);
    this.rows.push({ source: this.#source, item: item.slice(0, 200), code: 'signal-row-invalid', reason });
  }
}

export function unreadable(source: SignalSource, address: string, what: string, cause?: unknown): FeedError {
  return new FeedError('signal-unreadable', 'untrusted', {
    what: `${source}: ${what}`,
    where: address,
    remedy: 'what was read before is kept; check the address, or try again later',
    cause,
  });
}

/** An ISO day (YYYY-MM-DD) that exists, or null. */
export function isoDay(text: unknown): string | null {
  if (typeof text !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return null;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !isStorable(time) || new Date(time).toISOString().slice(0, 10) !== text ? null : text;
}

/** An instant, or null; the sources write them with and without a zone (then UTC). */
export function instant(text: unknown): Date | null {
  if (typeof text !== 'string' || !/^\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:?\d{2})?$/.test(text)) return null;
  const time = Date.parse(/(?:Z|[+-]\d{2}:?\d{2})$/.test(text) ? text : `${text}Z`);
  return isStorable(time) ? new Date(time) : null;
}

/** PostgreSQL knows no year 0 in ISO 8601: one hostile date must not stop a reading. */
function isStorable(time: number): boolean {
  const year = new Date(time).getUTCFullYear();
  return year >= 1 && year <= 9_999;
}
