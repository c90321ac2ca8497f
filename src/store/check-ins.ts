import { sql } from 'kysely';
import type { BuildId, CheckIn, HostFlag, KnownHost } from '#domain';
import { storableJson } from './storable.ts';
import { type Db, inTransaction } from './store.ts';

/** A host, as its next word is judged by. */
export interface CallingHost extends KnownHost {
  readonly id: string;
  readonly name: string;
  /** Raw Ed25519 key. */
  readonly publicKey: Buffer;
  readonly isDecommissioned: boolean;
  readonly state: string;
  readonly release: number | null;
  readonly counted: number | null;
  readonly hasModules: boolean;
}

/** These hosts, by id; one that is not known is missing. Every id must be a UUID. */
export async function callingHosts(db: Db, ids: readonly string[]): Promise<Map<string, CallingHost>> {
  const { rows } = await sql<HostColumns>`
    SELECT id, name, public_key, decommissioned_at IS NOT NULL AS gone, seq, body_sha256, boot_id, earlier_boot_id,
      uptime_seconds, seen_at, build_id, flags, state, state_release, counted, modules_at IS NOT NULL AS modules
    FROM host WHERE id = ANY (${[...ids]}::uuid[])`.execute(db);
  return new Map(rows.map((row) => [row.id, toCalling(row)]));
}

interface HostColumns {
  readonly id: string;
  readonly name: string;
  readonly public_key: Buffer;
  readonly gone: boolean;
  readonly seq: string;
  readonly body_sha256: string | null;
  readonly boot_id: string | null;
  readonly earlier_boot_id: string | null;
  readonly uptime_seconds: string;
  readonly seen_at: Date | null;
  readonly build_id: BuildId | null;
  readonly flags: HostFlag[];
  readonly state: string;
  readonly state_release: string | null;
  readonly counted: string | null;
  readonly modules: boolean;
}

function toCalling(row: HostColumns): CallingHost {
  return {
    id: row.id,
    name: row.name,
    publicKey: row.public_key,
    isDecommissioned: row.gone,
    seq: Number(row.seq),
    bodySha256: row.body_sha256,
    bootId: row.boot_id,
    earlierBootId: row.earlier_boot_id,
    uptimeSeconds: Number(row.uptime_seconds),
    seenAt: row.seen_at,
    buildId: row.build_id,
    flags: row.flags,
    state: row.state,
    release: row.state_release === null ? null : Number(row.state_release),
    counted: row.counted === null ? null : Number(row.counted),
    hasModules: row.modules,
  };
}

/** A check-in that is written down. */
export interface StoredCheckIn {
  readonly host: CallingHost;
  readonly said: CheckIn;
  readonly bodySha256: string;
  readonly flags: readonly HostFlag[];
  /** What it says that is new; empty: nothing. */
  readonly events: readonly { readonly kind: string; readonly detail: unknown }[];
}

/** A check-in that is not: only what it shows of the host is. */
export interface RefusedCheckIn {
  readonly host: CallingHost;
  readonly flags: readonly HostFlag[];
  readonly events: StoredCheckIn['events'];
}

/**
 * Writes check-ins of different hosts, all or none. A host whose number has risen meanwhile keeps the newer one: its id is missing in what
 * is returned; the others come with the serial that they are counted with. One statement unless something is new.
 */
export async function storeCheckIns(
  db: Db,
  kept: readonly StoredCheckIn[],
  refused: readonly RefusedCheckIn[],
  at: Date,
): Promise<Map<string, number | null>> {
  const isMore = ({ said, events }: StoredCheckIn): boolean =>
    events.length + said.reports.length > 0 || said.modules !== null;
  if (refused.length === 0 && !kept.some(isMore)) return updateHosts(db, kept, at);
  return inTransaction(db, async (tx) => {
    const written = await updateHosts(tx, kept, at);
    // Whoever came too late is told so: nothing of it is kept.
    const taken = kept.filter(({ host }) => written.has(host.id));
    const events = [...taken, ...refused].flatMap(({ host, events: own }) =>
      own.map(({ kind, detail }) => ({ host_id: host.id, kind, detail })),
    );
    const reports = taken.flatMap(({ host, said }) => said.reports.map((report) => ({ host_id: host.id, ...report })));
    const modules = taken.filter(({ said }) => said.modules !== null);
    await raiseFlags(tx, refused);
    await addEvents(tx, events, at);
    await addReports(tx, reports, at);
    await putModules(tx, modules, at);
    return written;
  });
}

async function updateHosts(db: Db, kept: readonly StoredCheckIn[], at: Date): Promise<Map<string, number | null>> {
  const rows = kept.map(({ host, said, bodySha256, flags }) => ({
    id: host.id,
    seq: said.seq,
    body_sha256: bodySha256,
    said_at: said.at,
    boot_id: said.bootId,
    uptime_seconds: said.uptimeSeconds,
    agent: said.agent,
    level: said.level,
    build_id: said.kernel.buildId,
    release: said.kernel.release,
    arch: said.kernel.arch,
    ring: said.ring,
    labels: said.labels,
    state: said.livepatch.state,
    state_release: said.livepatch.release,
    state_sha256: said.livepatch.sha256,
    alarm: said.livepatch.alarm,
    archive_error: said.archive,
    flags,
  }));
  if (rows.length === 0) return new Map();
  const { rows: written } = await sql<{ id: string; counted: string | number | null }>`
    UPDATE host SET
      seq = r.seq, body_sha256 = r.body_sha256, seen_at = ${at}::timestamptz, said_at = r.said_at,
      earlier_boot_id = CASE WHEN host.boot_id IS DISTINCT FROM r.boot_id THEN host.boot_id ELSE host.earlier_boot_id END,
      boot_id = r.boot_id, uptime_seconds = r.uptime_seconds, agent = r.agent, level = r.level,
      build_id = r.build_id, release = r.release, arch = r.arch, ring = r.ring, labels = r.labels,
      state_since = CASE WHEN (host.state, host.state_release) IS DISTINCT FROM (r.state, r.state_release)
        THEN ${at}::timestamptz ELSE host.state_since END,
      state = r.state, state_release = r.state_release, state_sha256 = r.state_sha256, alarm = r.alarm,
      archive_error = r.archive_error, flags = r.flags, counted = CASE WHEN ${isAnother} THEN NULL ELSE host.counted END
    FROM jsonb_to_recordset(${storableJson(rows)}::jsonb) AS r (
      id uuid, seq bigint, body_sha256 text, said_at text, boot_id text, uptime_seconds bigint, agent text, level text,
      build_id text, release text, arch text, ring text, labels jsonb, state text, state_release bigint,
      state_sha256 text, alarm text, archive_error text, flags text[])
    WHERE host.id = r.id AND host.seq < r.seq
    RETURNING host.id, host.counted`.execute(db);
  return new Map(written.map(({ id, counted }) => [id, counted === null ? null : Number(counted)]));
}

/** A rollout that counted the host did so with another ring, rack or kernel, or with a release that the host has forgotten. */
const isAnother = sql`(host.build_id, host.ring, host.labels) IS DISTINCT FROM (r.build_id, r.ring, r.labels)
        OR (host.state_release IS NOT NULL AND r.state_release IS NULL)`;

async function raiseFlags(tx: Db, refused: readonly RefusedCheckIn[]): Promise<void> {
  const rows = refused.map(({ host, flags }) => ({ id: host.id, flags }));
  if (rows.length === 0) return;
  await sql`
    UPDATE host SET flags = ARRAY(SELECT DISTINCT flag FROM unnest(host.flags || r.flags) AS flag ORDER BY flag)
    FROM jsonb_to_recordset(${storableJson(rows)}::jsonb) AS r (id uuid, flags text[])
    WHERE host.id = r.id`.execute(tx);
}

async function addEvents(tx: Db, events: readonly object[], at: Date): Promise<void> {
  if (events.length === 0) return;
  await sql`
    INSERT INTO host_event (host_id, at, kind, detail)
    SELECT host_id, ${at}::timestamptz, kind, detail
    FROM jsonb_to_recordset(${storableJson(events)}::jsonb) AS r (host_id uuid, kind text, detail jsonb)`.execute(tx);
}

async function addReports(tx: Db, reports: readonly object[], at: Date): Promise<void> {
  if (reports.length === 0) return;
  await sql`
    INSERT INTO host_report AS old (host_id, key, kind, severity, title, blamed, release, said_at, first_at, last_at)
    SELECT DISTINCT ON (host_id, key) host_id, key, kind, severity, title, blamed, release, at, ${at}::timestamptz, ${at}::timestamptz
    FROM jsonb_to_recordset(${storableJson(reports)}::jsonb) AS r (
      host_id uuid, key text, kind text, severity text, title text, blamed boolean, release bigint, at text)
    ON CONFLICT (host_id, key) DO UPDATE SET
      last_at = excluded.last_at, count = old.count + 1, blamed = old.blamed OR excluded.blamed`.execute(tx);
}

/** A host's list counts for the kernel that it runs, where that is known here. */
async function putModules(tx: Db, kept: readonly StoredCheckIn[], at: Date): Promise<void> {
  const rows = kept.map(({ host, said }) => ({
    id: host.id,
    host: host.name,
    build_id: said.kernel.buildId,
    modules: [...new Set(said.modules)].toSorted(),
  }));
  if (rows.length === 0) return;
  const given = storableJson(rows);
  await sql`
    INSERT INTO host_modules (kernel_id, host, at, modules, blocked, blacklisted)
    SELECT k.id, r.host, ${at}::timestamptz, r.modules, '{}', '{}'
    FROM jsonb_to_recordset(${given}::jsonb) AS r (host text, build_id text, modules text[])
    JOIN kernel k ON k.build_id = r.build_id
    ON CONFLICT (kernel_id, host) DO UPDATE SET at = excluded.at, modules = excluded.modules`.execute(tx);
  await sql`
    UPDATE host SET modules_at = ${at}::timestamptz FROM jsonb_to_recordset(${given}::jsonb) AS r (id uuid) WHERE host.id = r.id
  `.execute(tx);
}
