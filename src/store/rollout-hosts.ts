import { type Selectable, sql } from 'kysely';
import { type HostObservation, type HostStanding, hostStandings } from '#domain';
import type { Host } from './schema.ts';
import type { Db } from './store.ts';

/** What a host said last, as a rollout sees it. */
export interface RolloutHostRow extends Omit<HostObservation, 'silentMs'> {
  /** Rises with each word of it. */
  readonly seq: number;
  /** Serial of the file of its kernel that was made with it in mind; null: none was since what decides about it changed. */
  readonly counted: number | null;
  /** Time since its last word, by the wall clock of the database. */
  readonly ageMs: number;
}

/** Trouble that is older says nothing of the health of a host. */
const HEALTH_SECONDS = 3_600;
/** Keys of reports that are looked at, of a host. */
const MAX_KEYS = 20;

/** All hosts that were heard of and not taken away. */
export async function rolloutHosts(db: Db): Promise<RolloutHostRow[]> {
  const rows = await db
    .selectFrom('host')
    .select([
      'id',
      'seq',
      'build_id',
      'ring',
      'labels',
      'state',
      'state_release',
      'state_sha256',
      'alarm',
      'level',
      'counted',
      'flags',
    ])
    .select(sql<number>`extract(epoch FROM clock_timestamp() - seen_at)::float8 * 1000`.as('age_ms'))
    .where('decommissioned_at', 'is', null)
    .where('seen_at', 'is not', null)
    .orderBy('id')
    .execute();
  const reports = await reportsOf(db);
  return rows.map((row) => {
    const current = currentOf(row);
    const own = reports.get(row.id) ?? [];
    const isTroubled = row.alarm !== null || own.some(({ recent }) => recent);
    return {
      ...{ id: row.id, buildId: row.build_id ?? '', ring: row.ring, current, failed: [], ageMs: row.age_ms },
      labels: row.labels as Record<string, string>,
      reports: own.filter(({ release }) => release !== null && release === current?.number).map(({ key }) => key),
      health: isTroubled ? 'bad' : row.state === 'unknown' ? 'unknown' : 'good',
      refuses: row.level !== null && row.level !== 'normal',
      doubted: row.flags.includes('cloned') || row.flags.includes('lying'),
      seq: Number(row.seq),
      counted: row.counted === null ? null : Number(row.counted),
    };
  });
}

function currentOf(
  row: Pick<Selectable<Host>, 'state' | 'state_release' | 'state_sha256' | 'alarm'>,
): HostObservation['current'] {
  const { state, state_release: number, state_sha256: sha256, alarm } = row;
  const standing = hostStandings.find((one) => one === state);
  if (standing === undefined || number === null || sha256 === null) return null;
  // A transition that does not end is told as an alarm.
  const isStalled: HostStanding | false = standing === 'transitioning' && alarm !== null && 'stalled';
  return { number: Number(number), sha256, standing: isStalled || standing };
}

interface KnownReport {
  readonly key: string;
  readonly release: number | null;
  readonly recent: boolean;
}

/** The newest of each host that was not taken away. */
async function reportsOf(db: Db): Promise<Map<string, KnownReport[]>> {
  const { rows } = await sql<{ id: string; key: string; release: number | null; recent: boolean }>`
    SELECT id, key, release, recent FROM (
      SELECT r.host_id AS id, r.key, r.release, r.last_at > now() - make_interval(secs => ${HEALTH_SECONDS}) AS recent,
        row_number() OVER (PARTITION BY r.host_id ORDER BY r.last_at DESC, r.key) AS place
      FROM host_report r JOIN host h ON h.id = r.host_id WHERE h.decommissioned_at IS NULL) AS n
    WHERE place <= ${MAX_KEYS}`.execute(db);
  const found = new Map<string, KnownReport[]>();
  for (const { id, key, release, recent } of rows) {
    const list = found.get(id) ?? [];
    if (list.length === 0) found.set(id, list);
    list.push({ key, recent, release });
  }
  return found;
}

/**
 * Hosts that a round saw are counted with the file of their kernel as it is now. One that said something since it was seen is not yet:
 * it may have moved.
 */
export async function countRolloutHosts(db: Db, hosts: readonly RolloutHostRow[]): Promise<void> {
  const fresh = hosts.filter(({ counted }) => counted === null);
  if (fresh.length === 0) return;
  await sql`
    UPDATE host h SET counted = f.serial
    FROM unnest(${fresh.map(({ id }) => id)}::uuid[], ${fresh.map(({ seq }) => seq)}::bigint[]) AS s(id, seq), rollout_file f
    WHERE h.id = s.id AND h.seq = s.seq AND h.counted IS NULL AND f.build_id = h.build_id`.execute(db);
}
