import { type Selectable, sql } from 'kysely';
import type { BuildId, HostFlag, HostState, RefusalLevel } from '#domain';
import { addAudit } from './audit.ts';
import { StoreError } from './error.ts';
import type { Host } from './schema.ts';
import { storable } from './storable.ts';
import { type Db, inTransaction } from './store.ts';

/** A host, as it last said. What it never said is null. */
export interface HostRow {
  readonly id: string;
  readonly name: string;
  readonly group: string;
  readonly enrolledAt: Date;
  readonly decommissionedAt: Date | null;
  readonly seenAt: Date | null;
  /** The host's clock, as it said it. */
  readonly saidAt: string | null;
  readonly bootId: string | null;
  readonly uptimeSeconds: number;
  readonly agent: string | null;
  readonly level: RefusalLevel | null;
  readonly buildId: BuildId | null;
  readonly release: string | null;
  readonly arch: string | null;
  readonly ring: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: HostState;
  readonly stateSince: Date | null;
  readonly stateRelease: number | null;
  readonly stateSha256: string | null;
  readonly alarm: string | null;
  readonly archiveError: string | null;
  readonly flags: readonly HostFlag[];
  readonly counted: number | null;
}

export interface HostFilter {
  readonly group?: string | undefined;
  readonly ring?: string | undefined;
  readonly state?: string | undefined;
  readonly buildId?: string | undefined;
  readonly flag?: string | undefined;
  /** Of the name, from its beginning. */
  readonly search?: string | undefined;
  /** Label that it must have, with its value. */
  readonly label?: readonly [string, string] | undefined;
  /** Only hosts that were not heard of since. */
  readonly silentSince?: Date | undefined;
  /** Those that were taken away, too. */
  readonly all?: boolean | undefined;
  readonly limit: number;
  /** Name and id of the last of the page before. */
  readonly after?: readonly [string, string] | undefined;
}

/** By name. */
export async function listHosts(db: Db, filter: HostFilter): Promise<HostRow[]> {
  const { group, ring, state, buildId, flag, search, label, silentSince, after } = filter;
  let query = db.selectFrom('host').selectAll().orderBy('name').orderBy('id').limit(filter.limit);
  if (filter.all !== true) query = query.where('decommissioned_at', 'is', null);
  if (group !== undefined) query = query.where('group_name', '=', storable(group));
  if (ring !== undefined) query = query.where('ring', '=', storable(ring));
  if (state !== undefined) query = query.where('state', '=', storable(state));
  if (buildId !== undefined) query = query.where('build_id', '=', storable(buildId));
  if (flag !== undefined) query = query.where(sql<boolean>`${storable(flag)} = ANY (flags)`);
  if (search !== undefined) query = query.where(sql<boolean>`starts_with(name, ${storable(search)})`);
  if (label !== undefined) query = query.where(sql<boolean>`labels ->> ${label[0]} = ${label[1]}`);
  if (silentSince !== undefined)
    query = query.where((where) => where.or([where('seen_at', 'is', null), where('seen_at', '<', silentSince)]));
  if (after !== undefined) query = query.where(sql<boolean>`(name, id) > (${after[0]}, ${after[1]}::uuid)`);
  return (await query.execute()).map(fromRow);
}

/** By id, or the one host of this name. Errors: not-found, also when several have the name. */
export async function needHost(db: Db, key: string): Promise<HostRow> {
  const rows = await db
    .selectFrom('host')
    .selectAll()
    .where(sql<boolean>`id::text = ${storable(key)} OR name = ${storable(key)}`)
    .limit(2)
    .execute();
  const [row] = rows;
  if (row !== undefined && rows.length === 1) return fromRow(row);
  throw new StoreError('not-found', 'input', {
    what: row === undefined ? 'there is no such host' : 'several hosts have this name',
    where: key,
    remedy: '"tuxtape host list" lists them with their ids',
  });
}

/** What a host is, by group: those in their states, and what nobody knows. */
export interface GroupCount {
  readonly group: string;
  readonly hosts: number;
  readonly silent: number;
  /** Running a kernel that is not here: what matters to it nobody can say. */
  readonly unknownKernel: number;
  readonly flagged: number;
}

/** `silentSince`: whoever was not heard of since then is silent. */
export async function countHosts(db: Db, silentSince: Date): Promise<GroupCount[]> {
  const { rows } = await sql<
    Record<'hosts' | 'silent' | 'unknown_kernel' | 'flagged', string> & { group_name: string }
  >`
    SELECT h.group_name, count(*) AS hosts,
      count(*) FILTER (WHERE h.seen_at IS NULL OR h.seen_at < ${silentSince}) AS silent,
      count(*) FILTER (WHERE k.id IS NULL) AS unknown_kernel,
      count(*) FILTER (WHERE h.flags <> '{}') AS flagged
    FROM host h LEFT JOIN kernel k ON k.build_id = h.build_id
    WHERE h.decommissioned_at IS NULL GROUP BY h.group_name ORDER BY h.group_name`.execute(db);
  return rows.map((row) => ({
    group: row.group_name,
    hosts: Number(row.hosts),
    silent: Number(row.silent),
    unknownKernel: Number(row.unknown_kernel),
    flagged: Number(row.flagged),
  }));
}

/** Hosts on one kernel build. `kernel`: its name here; null: it is not here, and their exposure is unknown. */
export interface KernelHosts {
  readonly buildId: BuildId | null;
  readonly release: string | null;
  readonly kernel: string | null;
  readonly hosts: number;
  readonly silent: number;
}

/** Most hosts first. */
export async function hostsByKernel(db: Db, silentSince: Date): Promise<KernelHosts[]> {
  const { rows } = await sql<{
    build_id: string | null;
    release: string | null;
    kernel: string | null;
    hosts: string;
    silent: string;
  }>`
    SELECT h.build_id, min(h.release) AS release, min(k.name) AS kernel, count(*) AS hosts,
      count(*) FILTER (WHERE h.seen_at IS NULL OR h.seen_at < ${silentSince}) AS silent
    FROM host h LEFT JOIN kernel k ON k.build_id = h.build_id
    WHERE h.decommissioned_at IS NULL GROUP BY h.build_id ORDER BY count(*) DESC, h.build_id`.execute(db);
  return rows.map(({ build_id: buildId, release, kernel, hosts, silent }) => ({
    ...{ buildId, release, kernel, hosts: Number(hosts), silent: Number(silent) },
  }));
}

export interface HostEvent {
  readonly at: Date;
  readonly kind: string;
  readonly detail: unknown;
}

/** Newest first. */
export async function hostEvents(db: Db, id: string, limit: number): Promise<HostEvent[]> {
  return db
    .selectFrom('host_event')
    .select(['at', 'kind', 'detail'])
    .where('host_id', '=', id)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
}

export interface FleetReport {
  readonly key: string;
  readonly kind: string;
  readonly severity: string;
  readonly title: string;
  readonly blamed: boolean;
  readonly hosts: number;
  readonly count: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
}

/** What kernels of the fleet, or of one host, reported: the same trouble once, what a livepatch is blamed for first. */
export async function fleetReports(db: Db, limit: number, host?: string): Promise<FleetReport[]> {
  const { rows } = await sql<
    Omit<FleetReport, 'hosts' | 'count' | 'firstAt' | 'lastAt'> & {
      hosts: string;
      count: string;
      first_at: Date;
      last_at: Date;
    }
  >`
    SELECT r.key, min(r.kind) AS kind, min(r.severity) AS severity, min(r.title) AS title, bool_or(r.blamed) AS blamed,
      count(*) AS hosts, sum(r.count) AS count, min(r.first_at) AS first_at, max(r.last_at) AS last_at
    FROM host_report r WHERE ${host ?? null}::uuid IS NULL OR r.host_id = ${host ?? null}::uuid
    GROUP BY r.key ORDER BY bool_or(r.blamed) DESC, max(r.last_at) DESC LIMIT ${limit}`.execute(db);
  return rows.map(({ first_at: firstAt, last_at: lastAt, hosts, count, ...row }) => ({
    ...row,
    ...{ hosts: Number(hosts), count: Number(count), firstAt, lastAt },
  }));
}

/** Its key is good for nothing from now on; what it said is kept. Errors: not-found. */
export async function decommissionHost(db: Db, key: string, by: string, at: Date): Promise<HostRow> {
  return inTransaction(db, async (tx) => {
    const host = await needHost(tx, key);
    await tx.updateTable('host').set({ decommissioned_at: at }).where('id', '=', host.id).execute();
    await addAudit(tx, { at, actor: by, action: 'host.decommission', subject: host.id, detail: { name: host.name } });
    return { ...host, decommissionedAt: at };
  });
}

/** A person looked at what a host was marked for. Errors: not-found. */
export async function clearFlags(db: Db, key: string, by: string, at: Date): Promise<HostRow> {
  return inTransaction(db, async (tx) => {
    const host = await needHost(tx, key);
    await tx.updateTable('host').set({ flags: [] }).where('id', '=', host.id).execute();
    const detail = { name: host.name, flags: host.flags };
    await addAudit(tx, { at, actor: by, action: 'host.clear-flags', subject: host.id, detail });
    return { ...host, flags: [] };
  });
}

function fromRow(row: Selectable<Host>): HostRow {
  return {
    id: row.id,
    name: row.name,
    group: row.group_name,
    enrolledAt: row.enrolled_at,
    decommissionedAt: row.decommissioned_at,
    seenAt: row.seen_at,
    saidAt: row.said_at,
    bootId: row.boot_id,
    uptimeSeconds: Number(row.uptime_seconds),
    agent: row.agent,
    level: row.level as RefusalLevel | null,
    buildId: row.build_id,
    release: row.release,
    arch: row.arch,
    ring: row.ring,
    labels: row.labels as Record<string, string>,
    state: row.state as HostState,
    stateSince: row.state_since,
    stateRelease: row.state_release === null ? null : Number(row.state_release),
    stateSha256: row.state_sha256,
    alarm: row.alarm,
    archiveError: row.archive_error,
    flags: row.flags as HostFlag[],
    counted: row.counted === null ? null : Number(row.counted),
  };
}
