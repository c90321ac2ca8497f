import { createHash, randomUUID } from 'node:crypto';
import { type Selectable, sql } from 'kysely';
import {
  type BuildEvent,
  type BuildId,
  type BuildStanding,
  type BuildState,
  type CveId,
  type LivepatchOrder,
  type MadeParts,
  nextBuild,
  type WaitingKernel,
} from '#domain';
import { StoreError } from './error.ts';
import type { KeptError } from './kernel-builds.ts';
import type { LivepatchJob } from './schema.ts';
import { storable, storableJson } from './storable.ts';
import { type Db, inTransaction } from './store.ts';

/** A livepatch to be made by a builder. */
export interface LivepatchJobRow extends BuildStanding {
  readonly id: string;
  readonly kernelId: string;
  readonly kernel: string;
  readonly order: LivepatchOrder;
  readonly cves: readonly CveId[];
  readonly priority: number;
  readonly timeoutSeconds: number;
  readonly requestedBy: string;
  readonly queuedAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  /** Of the attempt that runs, or ran last. */
  readonly builder: string | null;
  /** Which lease of the queue the running attempt holds. */
  readonly lease: number | null;
  readonly log: string;
  /** Why it failed; of one that is not over: why the attempt before did. */
  readonly error: KeptError | null;
}

export interface LivepatchJobRequest {
  readonly kernelId: string;
  readonly order: LivepatchOrder;
  readonly cves: readonly CveId[];
  readonly priority: number;
  readonly timeoutSeconds: number;
  readonly requestedBy: string;
  readonly at: Date;
}

/** What a builder made, until the livepatch of it is kept. */
export interface JobResult {
  readonly module: Buffer;
  readonly made: MadeParts;
}

/** Asks for a livepatch; one that waits or runs with the same change for the same kernel is joined. */
export async function askForLivepatch(
  tx: Db,
  request: LivepatchJobRequest,
): Promise<{ job: LivepatchJobRow; joined: boolean }> {
  const id = randomUUID();
  const { order } = request;
  const key = keyOf(order);
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('livepatch_job')
    .values({
      id,
      key,
      kernel_id: request.kernelId,
      build_id: order.buildId,
      kernel_release: storable(order.kernelRelease),
      module_name: order.moduleName,
      patch: Buffer.from(order.patch),
      cves: [...request.cves],
      priority: request.priority,
      timeout_seconds: request.timeoutSeconds,
      state: 'queued',
      requested_by: storable(request.requestedBy),
      queued_at: request.at,
    })
    .onConflict((conflict) => conflict.column('key').where('state', 'in', ['queued', 'running']).doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows === 1n) return { job: await needJob(tx, id), joined: false };
  const open = await tx
    .selectFrom('livepatch_job')
    .select('id')
    .where('key', '=', key)
    .where('state', 'in', ['queued', 'running'])
    .executeTakeFirst();
  // It ended between the two statements: the next one is ours to ask for.
  return open === undefined ? askForLivepatch(tx, request) : { job: await needJob(tx, open.id), joined: true };
}

function keyOf({ buildId, kernelRelease, moduleName, patch }: LivepatchOrder): string {
  return createHash('sha256').update([buildId, kernelRelease, moduleName, patch].join('\0')).digest('hex');
}

/** What is written with a move. */
export interface JobFacts {
  readonly at: Date;
  /** Of a claim. */
  readonly builder?: string;
  readonly lease?: number;
  /** Of a success. */
  readonly result?: JobResult;
  /** Of a failure; of a claim: what is said when its attempts died too often. */
  readonly error?: KeptError;
}

/** Moves a job by the one table of transitions (`nextBuild`); null = refused, nothing is written. The row is locked. */
export async function moveJob(db: Db, id: string, event: BuildEvent, facts: JobFacts): Promise<LivepatchJobRow | null> {
  return inTransaction(db, async (tx) => {
    const row = await tx
      .selectFrom('livepatch_job')
      .select(['state', 'attempt', 'deaths'])
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    const next = row && nextBuild({ ...row, state: row.state as BuildState }, event);
    if (next === undefined || next === null) return null;
    const started = event.type === 'claim' && next.state === 'running';
    const open = next.state === 'queued' || next.state === 'running';
    const { builder = null, lease = null, result, error } = facts;
    await tx
      .updateTable('livepatch_job')
      .set({
        ...next,
        ended_at: open ? null : facts.at,
        ...(started ? { started_at: facts.at, builder, lease, log: '' } : {}),
        ...(result === undefined ? {} : { module: result.module, made: storableJson(result.made), error: null }),
        ...(error === undefined || started ? {} : { error: storableJson(error) }),
      })
      .where('id', '=', id)
      .execute();
    return needJob(tx, id);
  });
}

/** Adds to the log of the running attempt, of which the last `most` characters are kept; false = it is not the running one any more. */
export async function noteJobLog(
  db: Db,
  { id, attempt }: { readonly id: string; readonly attempt: number },
  text: string,
  most: number,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('livepatch_job')
    .set({ log: sql<string>`right(log || ${storable(text)}, ${most})` })
    .where('id', '=', id)
    .where('attempt', '=', attempt)
    .where('state', '=', 'running')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** The kernels for which jobs wait, or run without anybody who says so. */
export async function waitingKernels(db: Db): Promise<WaitingKernel[]> {
  const { rows } = await sql<{ build_id: BuildId; priority: number; since: Date }>`
    SELECT DISTINCT ON (build_id) build_id, priority, queued_at AS since
    FROM livepatch_job WHERE state IN ('queued', 'running')
    ORDER BY build_id, state = 'running', priority DESC, queued_at`.execute(db);
  return rows.map(({ build_id: buildId, priority, since }) => ({ buildId, priority, since }));
}

/** Errors: not-found. */
export async function needJob(db: Db, id: string): Promise<LivepatchJobRow> {
  const row = await select(db).where('j.id', '=', storable(id)).executeTakeFirst();
  if (row) return fromRow(row);
  throw new StoreError('not-found', 'input', {
    what: 'there is no such job',
    where: id,
    remedy: '"tuxtape job list" lists them',
  });
}

/** Newest first. */
export async function listJobs(db: Db, limit: number): Promise<LivepatchJobRow[]> {
  return (await select(db).orderBy('j.queued_at', 'desc').limit(limit).execute()).map(fromRow);
}

/** What came of a job that is done; undefined: it was taken already. */
export async function jobResult(db: Db, id: string): Promise<JobResult | undefined> {
  const row = await db.selectFrom('livepatch_job').select(['module', 'made']).where('id', '=', id).executeTakeFirst();
  if (!row?.module || row.made === null) return undefined;
  return { module: row.module, made: row.made as unknown as MadeParts };
}

/** The newest job with this very order that is done and whose result is still there. */
export async function findResult(db: Db, order: LivepatchOrder): Promise<string | undefined> {
  const row = await db
    .selectFrom('livepatch_job')
    .select('id')
    .where('key', '=', keyOf(order))
    .where('state', '=', 'done')
    .where('module', 'is not', null)
    .orderBy('ended_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.id;
}

/** Forgets the modules of jobs that were done before `before`; what was made of them is kept elsewhere. */
export async function pruneResults(db: Db, before: Date): Promise<void> {
  await db
    .updateTable('livepatch_job')
    .set({ module: null, made: null })
    .where('module', 'is not', null)
    .where('ended_at', '<', before)
    .execute();
}

// oxlint-disable-next-line typescript/explicit-function-return-type -- the builder's own type says it
function select(db: Db) {
  return db
    .selectFrom('livepatch_job as j')
    .innerJoin('kernel as k', 'k.id', 'j.kernel_id')
    .select([
      ...(['j.id', 'j.kernel_id', 'j.build_id', 'j.kernel_release', 'j.module_name', 'j.patch', 'j.cves'] as const),
      ...(['j.priority', 'j.timeout_seconds', 'j.state', 'j.attempt', 'j.deaths', 'j.requested_by'] as const),
      ...(['j.queued_at', 'j.started_at', 'j.ended_at', 'j.builder', 'j.lease', 'j.log', 'j.error'] as const),
      'k.name as kernel',
    ]);
}

type JobColumns = Omit<Selectable<LivepatchJob>, 'key' | 'module' | 'made'> & { readonly kernel: string };

function fromRow(row: JobColumns): LivepatchJobRow {
  return {
    id: row.id,
    kernelId: row.kernel_id,
    kernel: row.kernel,
    order: {
      buildId: row.build_id,
      kernelRelease: row.kernel_release,
      moduleName: row.module_name,
      patch: row.patch.toString('utf8'),
    },
    cves: row.cves as CveId[],
    priority: row.priority,
    timeoutSeconds: row.timeout_seconds,
    state: row.state as BuildState,
    attempt: row.attempt,
    deaths: row.deaths,
    requestedBy: row.requested_by,
    queuedAt: row.queued_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    builder: row.builder,
    lease: row.lease,
    log: row.log,
    error: row.error as KeptError | null,
  };
}
