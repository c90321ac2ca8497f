import { type Selectable, sql } from 'kysely';
import type { BuildState, CveId } from '#domain';
import type { LivepatchJobRow } from './livepatch-jobs.ts';
import type { LivepatchJob } from './schema.ts';
import { storable } from './storable.ts';
import type { Db } from './store.ts';

/** A job as a list shows it: without its patch and its log. */
export type JobLine = Omit<LivepatchJobRow, 'order' | 'log' | 'lease' | 'kernelId'> & { readonly moduleName: string };

export interface JobFilter {
  readonly state?: BuildState | undefined;
  readonly builder?: string | undefined;
  readonly limit: number;
  /** When the last of the page before was asked for, and its id. */
  readonly after?: readonly [Date, string] | undefined;
}

/** Newest first. */
export async function pageJobs(db: Db, { state, builder, limit, after }: JobFilter): Promise<JobLine[]> {
  let query = db
    .selectFrom('livepatch_job as j')
    .innerJoin('kernel as k', 'k.id', 'j.kernel_id')
    .select([
      ...(['j.id', 'j.module_name', 'j.cves', 'j.priority', 'j.timeout_seconds', 'j.state', 'j.attempt'] as const),
      ...(['j.deaths', 'j.requested_by', 'j.queued_at', 'j.started_at', 'j.ended_at', 'j.builder', 'j.error'] as const),
      'k.name as kernel',
    ])
    .orderBy('j.queued_at', 'desc')
    .orderBy('j.id', 'desc')
    .limit(limit);
  if (state !== undefined) query = query.where('j.state', '=', state);
  if (builder !== undefined) query = query.where('j.builder', '=', storable(builder));
  if (after !== undefined) query = query.where(sql<boolean>`(j.queued_at, j.id) < (${after[0]}, ${after[1]})`);
  return (await query.execute()).map(fromRow);
}

type Columns = Pick<
  Selectable<LivepatchJob>,
  | ('id' | 'module_name' | 'cves' | 'priority' | 'timeout_seconds' | 'state' | 'attempt')
  | ('deaths' | 'requested_by' | 'queued_at' | 'started_at' | 'ended_at' | 'builder' | 'error')
> & { readonly kernel: string };

function fromRow(row: Columns): JobLine {
  return {
    id: row.id,
    kernel: row.kernel,
    moduleName: row.module_name,
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
    error: row.error as JobLine['error'],
  };
}
