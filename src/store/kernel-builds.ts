import { randomUUID } from 'node:crypto';
import { type Selectable, sql } from 'kysely';
import { type BuildEvent, type BuildStanding, type BuildState, type Fault, nextBuild } from '#domain';
import { StoreError } from './error.ts';
import { findKernel, needKernel } from './kernels.ts';
import type { KernelBuild } from './schema.ts';
import { storable, storableJson } from './storable.ts';
import { type Db, inTransaction } from './store.ts';

/** What a build may use; null: the machine's own bounds. */
export interface BuildCaps {
  readonly timeoutSeconds: number;
  readonly memoryBytes: number | null;
  readonly diskBytes: number | null;
}

/** An error as it is kept, so that another process can tell it. */
export interface KeptError {
  readonly code: string;
  readonly fault: Fault;
  readonly what: string;
  readonly where: string | null;
  readonly remedy: string | null;
}

export interface KernelBuildRow extends BuildStanding, BuildCaps {
  readonly id: string;
  readonly kernelId: string;
  readonly kernel: string;
  readonly requestedBy: string;
  readonly queuedAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly jobs: number;
  readonly compiled: number;
  readonly total: number | null;
  readonly kept: boolean;
  readonly log: string | null;
  readonly firstError: string | null;
  readonly error: KeptError | null;
}

export interface BuildRequest extends BuildCaps {
  readonly kernelId: string;
  readonly requestedBy: string;
  readonly jobs: number;
  readonly at: Date;
}

/** Asks for a build; a kernel whose build waits or runs has its requests joined to that one, with its caps. */
export async function askForBuild(tx: Db, request: BuildRequest): Promise<{ build: KernelBuildRow; joined: boolean }> {
  const id = randomUUID();
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('kernel_build')
    .values({
      id,
      kernel_id: request.kernelId,
      state: 'queued',
      requested_by: storable(request.requestedBy),
      queued_at: request.at,
      jobs: request.jobs,
      timeout_seconds: request.timeoutSeconds,
      memory_bytes: request.memoryBytes,
      disk_bytes: request.diskBytes,
      total: await countedBefore(tx, request.kernelId),
    })
    .onConflict((conflict) => conflict.column('kernel_id').where('state', 'in', ['queued', 'running']).doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows === 1n) return { build: await needBuild(tx, id), joined: false };
  const open = await tx
    .selectFrom('kernel_build')
    .select('id')
    .where('kernel_id', '=', request.kernelId)
    .where('state', 'in', ['queued', 'running'])
    .executeTakeFirst();
  // It ended between the two statements: the next one is ours to ask for.
  return open === undefined ? askForBuild(tx, request) : { build: await needBuild(tx, open.id), joined: true };
}

/** Files that were compiled for a kernel of this version and configuration. */
async function countedBefore(db: Db, kernelId: string): Promise<number | null> {
  const { rows } = await sql<{ compiled: number }>`
    SELECT b.compiled FROM kernel_build b
    JOIN kernel k ON k.id = b.kernel_id
    JOIN kernel ours ON ours.id = ${kernelId} AND ours.version = k.version AND ours.config_sha256 = k.config_sha256
    WHERE b.state = 'done' AND NOT b.kept AND b.compiled > 0
    ORDER BY b.ended_at DESC LIMIT 1`.execute(db);
  return rows[0]?.compiled ?? null;
}

/** What is written with a move. */
export interface MoveFacts {
  readonly at: Date;
  readonly compiled?: number;
  readonly kept?: boolean;
  readonly firstError?: string | null;
  /** Needed where the build may come to `failed`. */
  readonly error?: KeptError;
}

/**
 * Moves a build by the one table of transitions; null = refused, nothing is written. The row is locked: of two workers
 * only one moves it.
 */
export async function moveBuild(
  db: Db,
  id: string,
  event: BuildEvent,
  facts: MoveFacts,
): Promise<KernelBuildRow | null> {
  return inTransaction(db, async (tx) => {
    const row = await tx
      .selectFrom('kernel_build')
      .select(['state', 'attempt', 'deaths'])
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    const next = row && nextBuild({ ...row, state: row.state as BuildState }, event);
    if (next === undefined || next === null) return null;
    const started = event.type === 'claim' && next.state === 'running';
    const open = next.state === 'queued' || next.state === 'running';
    await tx
      .updateTable('kernel_build')
      .set({
        ...next,
        ended_at: open ? null : facts.at,
        ...(started ? { started_at: facts.at, compiled: 0, log: null } : {}),
        ...(facts.compiled === undefined ? {} : { compiled: facts.compiled }),
        ...(facts.kept === undefined ? {} : { kept: facts.kept }),
        ...(next.state === 'failed' ? failure(facts) : {}),
      })
      .where('id', '=', id)
      .execute();
    return needBuild(tx, id);
  });
}

function failure({ error, firstError }: MoveFacts): { error: string; first_error: string | null } {
  if (error === undefined) throw new StoreError('build-fenced', 'us', { what: 'a build failed without a reason' });
  return { error: storableJson(error), first_error: firstError == null ? null : storable(firstError) };
}

/** Writes how far an attempt is; false = it is not the running one any more, and nothing was written. */
export async function noteProgress(
  db: Db,
  { id, attempt }: { readonly id: string; readonly attempt: number },
  facts: { readonly compiled: number; readonly log: string },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('kernel_build')
    .set(facts)
    .where('id', '=', id)
    .where('attempt', '=', attempt)
    .where('state', '=', 'running')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** The build of this id, or the newest of the kernel of this name, id or build-id. Errors: not-found. */
export async function needBuild(db: Db, key: string): Promise<KernelBuildRow> {
  const [byId] = await select(db).where('b.id', '=', key).execute();
  if (byId) return fromRow(byId);
  const kernel = await findKernel(db, key);
  const [newest] = kernel ? await select(db).where('b.kernel_id', '=', kernel.id).limit(1).execute() : [];
  if (newest) return fromRow(newest);
  if (kernel === undefined) await needKernel(db, key);
  throw new StoreError('not-found', 'input', {
    what: 'no build of this kernel was asked for',
    where: key,
    remedy: `run "tuxtape kernel build ${key}"`,
  });
}

/** Newest first. */
export async function listBuilds(db: Db, limit: number): Promise<KernelBuildRow[]> {
  return (await select(db).limit(limit).execute()).map(fromRow);
}

// oxlint-disable-next-line typescript/explicit-function-return-type -- the builder's own type says it
function select(db: Db) {
  return db
    .selectFrom('kernel_build as b')
    .innerJoin('kernel as k', 'k.id', 'b.kernel_id')
    .selectAll('b')
    .select('k.name as kernel')
    .orderBy('b.queued_at', 'desc');
}

function fromRow(row: Selectable<KernelBuild> & { kernel: string }): KernelBuildRow {
  return {
    id: row.id,
    kernelId: row.kernel_id,
    kernel: row.kernel,
    state: row.state as BuildState,
    attempt: row.attempt,
    deaths: row.deaths,
    requestedBy: row.requested_by,
    queuedAt: row.queued_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    jobs: row.jobs,
    timeoutSeconds: row.timeout_seconds,
    memoryBytes: bytes(row.memory_bytes),
    diskBytes: bytes(row.disk_bytes),
    compiled: row.compiled,
    total: row.total,
    kept: row.kept,
    log: row.log,
    firstError: row.first_error,
    error: row.error as KeptError | null,
  };
}

function bytes(value: string | null): number | null {
  return value === null ? null : Number(value);
}

/** How many builds there are in each state that has any. */
export async function countBuilds(db: Db): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('kernel_build')
    .select(({ fn }) => ['state', fn.countAll<number>().as('count')])
    .groupBy('state')
    .execute();
  return new Map(rows.map(({ state, count }) => [state, count]));
}
