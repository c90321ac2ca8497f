import { sql } from 'kysely';
import type { PlanStep, Rollout, RolloutCommand } from '#domain';
import { addAudit } from './audit.ts';
import { StoreError } from './error.ts';
import { countRolloutHosts, type RolloutHostRow, rolloutHosts } from './rollout-hosts.ts';
import { listRollouts, type RolloutRow } from './rollouts.ts';
import { storable, storableJson } from './storable.ts';
import { type Db, inTransaction, type Store } from './store.ts';

/** The file of a kernel as it was, or is about to be, signed. */
export interface StoredRolloutFile {
  readonly buildId: string;
  readonly serial: number;
  readonly content: string;
}

/** All that a round sees of the store, of one moment. */
export interface RolloutSight {
  readonly revision: number;
  readonly serial: number;
  /** The controller that plans; null: none ever did. */
  readonly holder: string | null;
  readonly rollouts: readonly RolloutRow[];
  /** What people asked for and no round took, in that order. */
  readonly commands: readonly { readonly id: number; readonly command: RolloutCommand }[];
  readonly hosts: readonly RolloutHostRow[];
  readonly files: readonly StoredRolloutFile[];
}

export async function readRolloutSight({ db }: Pick<Store, 'db'>): Promise<RolloutSight> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (tx) => {
      const fence = await tx.selectFrom('rollout_fence').select(['revision', 'serial', 'holder']).executeTakeFirst();
      const commands = await tx
        .selectFrom('rollout_command')
        .select(['id', 'command'])
        .where('taken', 'is', null)
        .orderBy('id')
        .execute();
      return {
        revision: Number(fence?.revision ?? 0),
        serial: Number(fence?.serial ?? 0),
        holder: fence?.holder ?? null,
        rollouts: await listRollouts(tx),
        commands: commands.map(({ id, command }) => ({
          id: Number(id),
          command: command as unknown as RolloutCommand,
        })),
        hosts: await rolloutHosts(tx),
        files: await rolloutFiles(tx),
      };
    });
}

export async function rolloutFiles(db: Db): Promise<StoredRolloutFile[]> {
  const rows = await db.selectFrom('rollout_file').selectAll().orderBy('build_id').execute();
  return rows.map(({ build_id, serial, content }) => ({ buildId: build_id, serial: Number(serial), content }));
}

/** What a round did. */
export interface RolloutRound {
  readonly at: Date;
  /** Null: a round between, which takes the time from nobody. */
  readonly holder: string | null;
  readonly serial: number;
  readonly steps: readonly PlanStep[];
  readonly rollouts: readonly Rollout[];
  readonly files: readonly StoredRolloutFile[];
  /** Commands it took, or refused. */
  readonly taken: readonly number[];
}

/**
 * Stores a round whole, or nothing of it: states, events, commands, files, and which hosts were counted. Gives the new revision.
 * Errors: rollout-fenced, where another round was stored since `seen` was read; nothing of this one is then true any more.
 */
export async function storeRolloutRound(db: Db, seen: RolloutSight, round: RolloutRound): Promise<number> {
  return inTransaction(db, async (tx) => {
    await sql`INSERT INTO rollout_fence DEFAULT VALUES ON CONFLICT DO NOTHING`.execute(tx);
    // The row is locked until the end: of two rounds that saw the same, the second finds another revision.
    const { numAffectedRows } = await sql`
      UPDATE rollout_fence SET revision = ${seen.revision + 1}, serial = ${round.serial}, holder = coalesce(${round.holder}, holder)
      WHERE revision = ${seen.revision} AND serial <= ${round.serial}`.execute(tx);
    if (numAffectedRows !== 1n)
      throw new StoreError('rollout-fenced', 'toolchain', {
        what: 'another controller was quicker; nothing of this round was stored',
        remedy: 'nothing: the next round begins with what that one left',
      });
    const revision = seen.revision + 1;
    for (const { id, state } of round.rollouts)
      await tx
        .updateTable('rollout')
        .set({ phase: state.phase, state: storableJson(state) })
        .where('id', '=', id)
        .execute();
    await addEvents(tx, round, revision);
    if (round.taken.length > 0)
      await sql`UPDATE rollout_command SET taken = ${revision} WHERE id = ANY(${round.taken}::bigint[])`.execute(tx);
    await putFiles(tx, round);
    await countRolloutHosts(tx, seen.hosts);
    return revision;
  });
}

/** Waiting is no event, and what the machine stopped is told to the audit, too. */
async function addEvents(tx: Db, { steps, at }: RolloutRound, revision: number): Promise<void> {
  for (const step of steps) {
    if (step.do === 'wait') continue;
    await sql`
      INSERT INTO rollout_event (rollout_id, seq, at, revision, kind, what, why, evidence)
      SELECT ${step.rollout}, coalesce(max(seq), 0) + 1, ${at}, ${revision}, ${step.do}, ${storable(step.what)},
        ${storable(step.why)}, ${storableJson(step.evidence)}::jsonb
      FROM rollout_event WHERE rollout_id = ${step.rollout}`.execute(tx);
    if (step.do === 'command' || step.do === 'open' || step.do === 'close') continue;
    await addAudit(tx, {
      ...{ at, actor: 'rollout', action: `rollout.${step.do}`, subject: step.rollout },
      detail: { what: step.what, why: step.why, evidence: step.evidence },
    });
  }
}

async function putFiles(tx: Db, { files, at }: RolloutRound): Promise<void> {
  for (const { buildId, serial, content } of files) {
    const row = { serial, content, made_at: at };
    await tx
      .insertInto('rollout_file')
      .values({ build_id: buildId, ...row })
      .onConflict((conflict) => conflict.column('build_id').doUpdateSet(row))
      .execute();
  }
}
