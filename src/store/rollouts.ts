import { randomUUID } from 'node:crypto';
import {
  draftState,
  type Pace,
  type PlanStep,
  type Rollout,
  type RolloutCommand,
  type RolloutPolicy,
  type RolloutRelease,
  type RolloutState,
} from '#domain';
import { addAudit } from './audit.ts';
import { StoreError } from './error.ts';
import type { Rollout as RolloutTable } from './schema.ts';
import { storable, storableJson } from './storable.ts';
import { type Db, inTransaction } from './store.ts';

/** A rollout, and who made it. */
export interface RolloutRow extends Rollout {
  readonly createdBy: string;
  readonly createdAt: Date;
}

export interface NewRollout {
  readonly release: RolloutRelease;
  readonly policy: RolloutPolicy;
  readonly floors: Pace;
  readonly by: string;
  readonly at: Date;
}

/** Makes a draft, with its audit entry. Errors: already-there, where the release has a rollout that was not recalled. */
export async function addRollout(db: Db, { release, policy, floors, by, at }: NewRollout): Promise<string> {
  const id = randomUUID();
  const { buildId, number, sha256 } = release;
  const detail = { release: { buildId, number, sha256 }, policy, floors };
  return inTransaction(db, async (tx) => {
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('rollout')
      .values({
        ...{ id, build_id: buildId, number, module_sha256: sha256, phase: 'draft', created_by: storable(by) },
        ...{ policy: storableJson(policy), floors: storableJson(floors), state: storableJson(draftState()) },
        created_at: at,
      })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (numInsertedOrUpdatedRows !== 1n)
      throw new StoreError('already-there', 'input', {
        what: `release ${number} of this kernel has a rollout already`,
        where: buildId,
        remedy: '"tuxtape rollout list" shows it; recall it before another is made',
      });
    await addAudit(tx, { at, actor: by, action: 'rollout.add', subject: id, detail });
    return id;
  });
}

/** All, in the order they were made. */
export async function listRollouts(db: Db): Promise<RolloutRow[]> {
  const rows = await db.selectFrom('rollout').selectAll().orderBy('created_at').orderBy('id').execute();
  return rows.map(rowOf);
}

function rowOf(row: { [K in keyof RolloutTable]: unknown }): RolloutRow {
  return {
    id: row.id as string,
    release: {
      buildId: row.build_id as string,
      number: Number(row.number),
      sha256: row.module_sha256 as string,
    },
    policy: row.policy as RolloutPolicy,
    floors: row.floors as Pace,
    // A state of an earlier version lacks what came later; each such field has the value of a draft.
    state: { ...draftState(), ...(row.state as Partial<RolloutState>) },
    createdBy: row.created_by as string,
    createdAt: row.created_at as Date,
  };
}

/** By its id or the beginning of it. Errors: not-found, also where several begin so. */
export async function needRollout(db: Db, id: string): Promise<RolloutRow> {
  const found = (await listRollouts(db)).filter((row) => row.id.startsWith(id));
  if (found.length === 1 && id !== '') return found[0]!;
  throw new StoreError('not-found', 'input', {
    what: found.length === 0 ? 'there is no such rollout' : `${found.length} rollouts begin so`,
    where: id,
    remedy: '"tuxtape rollout list" lists them',
  });
}

/** Asks for something; the next round takes it or refuses it. With its audit entry. */
export async function askRollout(db: Db, command: RolloutCommand, at: Date): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { rollout, by, reason } = command;
    await tx
      .insertInto('rollout_command')
      .values({ rollout_id: rollout, command: storableJson(command), asked_at: at })
      .execute();
    await addAudit(tx, {
      ...{ at, actor: by, action: `rollout.${command.do}`, subject: rollout },
      detail: { reason, command },
    });
  });
}

/** What was asked for in a rollout and no round has taken yet, the oldest first. */
export async function untakenAsks(db: Db, id: string): Promise<{ command: RolloutCommand; at: Date }[]> {
  const rows = await db
    .selectFrom('rollout_command')
    .select(['command', 'asked_at'])
    .where('rollout_id', '=', id)
    .where('taken', 'is', null)
    .orderBy('id')
    .execute();
  return rows.map(({ command, asked_at: at }) => ({ command: command as unknown as RolloutCommand, at }));
}

export interface RolloutEvent extends Omit<PlanStep, 'rollout'> {
  readonly seq: number;
  readonly at: Date;
  readonly revision: number;
}

/** What was done in a rollout, the newest first. */
export async function rolloutEvents(db: Db, id: string, limit: number): Promise<RolloutEvent[]> {
  const rows = await db
    .selectFrom('rollout_event')
    .selectAll()
    .where('rollout_id', '=', id)
    .orderBy('seq', 'desc')
    .limit(limit)
    .execute();
  return rows.map(({ seq, at, revision, kind, what, why, evidence }) => ({
    ...{ seq: Number(seq), at, revision: Number(revision), do: kind as PlanStep['do'], what, why },
    evidence: evidence as unknown as string[],
  }));
}
