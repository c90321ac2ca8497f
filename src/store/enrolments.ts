import { randomUUID } from 'node:crypto';
import { addAudit } from './audit.ts';
import { StoreError } from './error.ts';
import { storable } from './storable.ts';
import { type Db, inTransaction } from './store.ts';

/** A token by which so many machines may become hosts of one group, until a time. */
export interface EnrolmentRow {
  readonly id: string;
  readonly group: string;
  readonly usesLeft: number;
  readonly expiresAt: Date;
  readonly madeBy: string;
  readonly madeAt: Date;
  readonly revokedAt: Date | null;
}

export interface NewEnrolment extends Pick<EnrolmentRow, 'group' | 'expiresAt' | 'madeBy' | 'madeAt'> {
  readonly tokenSha256: string;
  readonly uses: number;
}

export async function addEnrolment(db: Db, made: NewEnrolment): Promise<EnrolmentRow> {
  const id = randomUUID();
  return inTransaction(db, async (tx) => {
    await tx
      .insertInto('enrolment')
      .values({
        id,
        token_sha256: made.tokenSha256,
        group_name: made.group,
        uses_left: made.uses,
        expires_at: made.expiresAt,
        made_by: storable(made.madeBy),
        made_at: made.madeAt,
      })
      .execute();
    const detail = { group: made.group, uses: made.uses, expires: made.expiresAt.toISOString() };
    await addAudit(tx, { at: made.madeAt, actor: made.madeBy, action: 'enrolment.add', subject: id, detail });
    return (await listEnrolments(tx)).find((one) => one.id === id)!;
  });
}

/** Newest first. */
export async function listEnrolments(db: Db): Promise<EnrolmentRow[]> {
  const rows = await db.selectFrom('enrolment').selectAll().orderBy('made_at', 'desc').execute();
  return rows.map((row) => ({
    id: row.id,
    group: row.group_name,
    usesLeft: row.uses_left,
    expiresAt: row.expires_at,
    madeBy: row.made_by,
    madeAt: row.made_at,
    revokedAt: row.revoked_at,
  }));
}

/** No machine becomes a host by it any more; those that did stay. Errors: not-found. */
export async function revokeEnrolment(db: Db, id: string, by: string, at: Date): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { numUpdatedRows } = await tx
      .updateTable('enrolment')
      .set({ revoked_at: at })
      .where('id', '=', storable(id))
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows !== 1n)
      throw new StoreError('not-found', 'input', {
        what: 'there is no such token, or it was revoked before',
        where: id,
        remedy: '"tuxtape host tokens" lists them',
      });
    await addAudit(tx, { at, actor: by, action: 'enrolment.revoke', subject: id, detail: {} });
  });
}

export interface NewHost {
  readonly tokenSha256: string;
  readonly publicKey: Buffer;
  readonly name: string;
  readonly at: Date;
}

/**
 * Makes a host of a machine; the token loses a use in the same transaction. The same key again is the same host: its answer was lost.
 * Null: no such token, or it is used up, over or revoked; or the key is that of a host that was taken away.
 */
export async function enrolHost(db: Db, given: NewHost): Promise<{ id: string; group: string } | null> {
  return inTransaction(db, async (tx) => {
    const token = await tx
      .selectFrom('enrolment')
      .select(['id', 'group_name', 'uses_left'])
      .where('token_sha256', '=', given.tokenSha256)
      .where('expires_at', '>', given.at)
      .where('revoked_at', 'is', null)
      .forUpdate()
      .executeTakeFirst();
    if (token === undefined) return null;
    const same = await tx
      .selectFrom('host')
      .select(['id', 'enrolment_id', 'decommissioned_at'])
      .where('public_key', '=', given.publicKey)
      .executeTakeFirst();
    if (same !== undefined) {
      const isOurs = same.enrolment_id === token.id && same.decommissioned_at === null;
      return isOurs ? { id: same.id, group: token.group_name } : null;
    }
    if (token.uses_left === 0) return null;
    const id = randomUUID();
    await tx
      .updateTable('enrolment')
      .set({ uses_left: token.uses_left - 1 })
      .where('id', '=', token.id)
      .execute();
    await tx
      .insertInto('host')
      .values({
        id,
        name: given.name,
        group_name: token.group_name,
        public_key: given.publicKey,
        enrolment_id: token.id,
        enrolled_at: given.at,
      })
      .execute();
    const detail = { name: given.name, group: token.group_name };
    await addAudit(tx, { at: given.at, actor: `enrolment ${token.id}`, action: 'host.enrol', subject: id, detail });
    return { id, group: token.group_name };
  });
}
