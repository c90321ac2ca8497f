import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { CveId, Decision, DecisionKind, Mitigation } from '#domain';
import { addAudit } from './audit.ts';
import { StoreError } from './error.ts';
import { markDue } from './priorities.ts';
import { storable, storableJson } from './storable.ts';
import { type Db, inTransaction } from './store.ts';

export type NewDecision = Omit<Decision, 'id' | 'madeAt' | 'revoked'>;

/**
 * Records what a person decided, with its audit entry; its CVE is due to be ranked anew. A new severity or acceptance takes the place of the one before,
 * which is revoked and stays readable. Returns the decision.
 */
export async function addDecision(db: Db, decision: NewDecision, at: Date): Promise<Decision> {
  const id = randomUUID();
  const { cve, kind, score, mitigation, reason, until, untilPatched, author } = decision;
  await inTransaction(db, async (tx) => {
    if (kind === 'severity' || kind === 'accept') {
      const current = (await decisionsOf(tx, [cve])).get(cve) ?? [];
      for (const one of current.filter((other) => other.kind === kind && other.revoked === null))
        await revoke(tx, one, author, at);
    }
    const json = mitigation === null ? null : storableJson(mitigation);
    await sql`
      INSERT INTO decision (id, cve_id, kind, score, mitigation, reason, until, until_patched, author, made_at)
      VALUES (${id}, ${cve}, ${kind}, ${score}, ${json}::jsonb, ${storable(reason)}, ${until}, ${untilPatched},
        ${storable(author)}, ${at})`.execute(tx);
    const detail = { id, score, mitigation, reason, until, untilPatched };
    await addAudit(tx, { at, actor: author, action: `decision.${kind}`, subject: cve, detail });
    await markDue(tx, [cve]);
  });
  return { ...decision, id, madeAt: at, revoked: null };
}

/** Takes a decision back; it stays readable. Errors: not-found, also when it was taken back before. */
export async function revokeDecision(db: Db, id: string, by: string, at: Date): Promise<Decision> {
  return inTransaction(db, async (tx) => {
    const rows = await read(tx, sql`id = ${id} AND revoked_at IS NULL`);
    const [found] = rows;
    if (!found)
      throw new StoreError('not-found', 'input', {
        what: 'there is no such decision in force',
        where: id,
        remedy: '"tuxtape cve decisions" lists them',
      });
    await revoke(tx, found, by, at);
    return found;
  });
}

async function revoke(tx: Db, { id, cve, kind }: Decision, by: string, at: Date): Promise<void> {
  await tx
    .updateTable('decision')
    .set({ revoked_at: at, revoked_by: storable(by) })
    .where('id', '=', id)
    .execute();
  await addAudit(tx, { at, actor: by, action: 'decision.revoke', subject: cve, detail: { id, kind } });
  await markDue(tx, [cve]);
}

/** Decisions about the given CVEs, or all, oldest first; those taken back too. */
export async function decisionsOf(db: Db, cves: readonly CveId[] | 'all'): Promise<Map<CveId, Decision[]>> {
  const rows = await read(db, cves === 'all' ? sql`true` : sql`cve_id = ANY(${cves}::text[])`);
  return Map.groupBy(rows, ({ cve }) => cve);
}

async function read(db: Db, where: ReturnType<typeof sql>): Promise<Decision[]> {
  const { rows } = await sql<{
    id: string;
    cve_id: string;
    kind: string;
    score: number | null;
    mitigation: Mitigation | null;
    reason: string;
    until: Date | null;
    until_patched: boolean;
    author: string;
    made_at: Date;
    revoked_at: Date | null;
    revoked_by: string | null;
  }>`SELECT * FROM decision WHERE ${where} ORDER BY made_at, id`.execute(db);
  return rows.map((row) => ({
    id: row.id,
    cve: row.cve_id as CveId,
    kind: row.kind as DecisionKind,
    score: row.score,
    mitigation: row.mitigation,
    reason: row.reason,
    until: row.until,
    untilPatched: row.until_patched,
    author: row.author,
    madeAt: row.made_at,
    revoked: row.revoked_at === null ? null : { at: row.revoked_at, by: row.revoked_by ?? '' },
  }));
}
