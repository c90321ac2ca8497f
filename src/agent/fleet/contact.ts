import { join } from 'node:path';
import { readLimited, writeAtomic } from '#host';

const MAX_BYTES = 1 << 20;
/** Keys of reports that the server has, of this boot; the newest stay. */
const MOST_KEYS = 500;

/** What this host remembers of its server: `STATE/server.json`. */
export interface ServerContact {
  /** Number of the last check-in that was sent. */
  readonly seq: number;
  readonly last: string | null;
  /** Since when it does not answer, or refuses; null: it answered. */
  readonly failingSince: string | null;
  readonly error: string | null;
  /** Serial of the first rollout file that was made with this host in mind; null: none, or never told. */
  readonly counted: number | null;
  /** Modules that the server has, as one hash; null: it has none. */
  readonly modules: string | null;
  readonly bootId: string | null;
  /** Keys of reports that it has. */
  readonly reports: readonly string[];
}

const nothing: ServerContact = {
  ...{ seq: 0, last: null, failingSince: null, error: null, counted: null },
  ...{ modules: null, bootId: null, reports: [] },
};

/** A file that is damaged is as none: the next check-in says all again. */
export async function readContact(state: string): Promise<ServerContact> {
  try {
    const value: unknown = JSON.parse((await readLimited(join(state, 'server.json'), MAX_BYTES)).toString('utf8'));
    return isContact(value) ? value : nothing;
  } catch {
    return nothing;
  }
}

export async function writeContact(state: string, contact: ServerContact): Promise<void> {
  const reports = contact.reports.slice(-MOST_KEYS);
  await writeAtomic(join(state, 'server.json'), `${JSON.stringify({ ...contact, reports })}\n`, 0o600);
}

function isContact(value: unknown): value is ServerContact {
  if (typeof value !== 'object' || value === null) return false;
  const { seq, reports, counted } = value as Partial<ServerContact>;
  const isWhole = (one: unknown): boolean => Number.isSafeInteger(one) && (one as number) >= 0;
  return isWhole(seq) && (counted === null || isWhole(counted)) && Array.isArray(reports);
}
