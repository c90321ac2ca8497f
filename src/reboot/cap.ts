import { hasCode, messageOf } from '#domain';
import { readLimited, writeAtomic } from '#host';
import { RebootError } from './error.ts';

const MAX_CAP_BYTES = 64 << 10;
const DAY_SECONDS = 86_400;

/**
 * When kernels were started here, by a clock of its own: the seconds that this host ran, as far as was noticed. A wall clock that is wrong or
 * jumps does not let one happen; time that nobody noticed makes the wait longer, never shorter.
 */
export interface StartCount {
  readonly ran: number;
  /** Where `ran` was last brought up to date. */
  readonly boot: string;
  readonly uptime: number;
  /** `ran` at each start, the oldest first. */
  readonly starts: readonly number[];
}

export interface Uptime {
  readonly boot: string;
  readonly uptime: number;
}

/** Brings the clock up to date, and forgets starts that are older than a day of it. */
export function counted(count: StartCount, now: Uptime): StartCount {
  const since = now.boot === count.boot ? Math.max(0, now.uptime - count.uptime) : now.uptime;
  const ran = count.ran + since;
  return { ran, boot: now.boot, uptime: now.uptime, starts: count.starts.filter((at) => ran - at < DAY_SECONDS) };
}

/** How many more may happen now. */
export function startsLeft(count: StartCount, perDay: number): number {
  return Math.max(0, perDay - count.starts.length);
}

/** `starts.json`: which starts of kernels were let happen. */
export class Cap {
  readonly #path: string;
  readonly #perDay: number;

  constructor(path: string, perDay: number) {
    this.#path = path;
    this.#perDay = perDay;
  }

  /** Errors: cap-damaged. */
  async left(now: Uptime): Promise<number> {
    return startsLeft(await this.#read(now), this.#perDay);
  }

  /** Brings the file up to date, so that the time that the host ran counts. Errors: cap-damaged. */
  async notice(now: Uptime): Promise<void> {
    await this.#write(await this.#read(now));
  }

  /** Takes one; false: none is left. It is on the disk, used up, when this returns: also one whose hook then fails. Errors: cap-damaged. */
  async take(now: Uptime): Promise<boolean> {
    const count = await this.#read(now);
    if (startsLeft(count, this.#perDay) === 0) return false;
    await this.#write({ ...count, starts: [...count.starts, count.ran] });
    return true;
  }

  async #read(now: Uptime): Promise<StartCount> {
    try {
      return counted(parseCount(JSON.parse((await readLimited(this.#path, MAX_CAP_BYTES)).toString('utf8'))), now);
    } catch (error) {
      if (hasCode(error, 'file-missing')) return { ran: 0, ...now, starts: [] };
      // How many there were is not known any more, so that none is left.
      throw new RebootError('cap-damaged', 'input', {
        what: `the count of started kernels cannot be read: ${messageOf(error)}`,
        where: this.#path,
        remedy: 'remove the file when you know that this host was not rebooted too often',
        cause: error,
      });
    }
  }

  async #write(count: StartCount): Promise<void> {
    await writeAtomic(this.#path, `${JSON.stringify(count)}\n`, 0o600);
  }
}

/** Errors: TypeError. */
function parseCount(value: unknown): StartCount {
  if (typeof value !== 'object' || value === null) throw new TypeError('it is no object');
  const { ran, boot, uptime, starts } = value as Record<string, unknown>;
  const isTime = (one: unknown): one is number => typeof one === 'number' && Number.isFinite(one) && one >= 0;
  if (!isTime(ran) || !isTime(uptime) || typeof boot !== 'string' || !Array.isArray(starts) || !starts.every(isTime))
    throw new TypeError('it is no count');
  return { ran, boot, uptime, starts };
}
