import { sql } from 'kysely';
import { isSamePerson, type Reviewer } from '#domain';
import { addAudit } from './audit.ts';
import { StoreError } from './error.ts';
import { storable } from './storable.ts';
import { type Db, inTransaction } from './store.ts';

/**
 * Lets a person approve, with its audit entry. Errors: already-there, naming what is: a name or alias that means the same person as one
 * of another reviewer (one person could count twice), or the key.
 */
export async function addReviewer(db: Db, reviewer: Reviewer): Promise<void> {
  const { name, keyId, addedBy, addedAt } = reviewer;
  const aliases = reviewer.aliases.map(storable);
  await inTransaction(db, async (tx) => {
    // Two that are added at once must see each other.
    await sql`LOCK TABLE reviewer IN SHARE ROW EXCLUSIVE MODE`.execute(tx);
    for (const other of await listReviewers(tx)) {
      const isNamed = isSamePerson([name, ...aliases], [other.name, ...other.aliases]);
      if (!isNamed && other.keyId !== keyId) continue;
      throw new StoreError('already-there', 'input', {
        what: isNamed ? 'a reviewer has this name, or one of these aliases' : 'this key is that of another reviewer',
        where: other.name,
        remedy: '"tuxtape reviewer list" lists them; "tuxtape reviewer remove NAME" takes one away',
      });
    }
    const row = { name, aliases, key_id: keyId, public_key: reviewer.publicKey };
    await tx
      .insertInto('reviewer')
      .values({ ...row, added_by: storable(addedBy), added_at: addedAt })
      .execute();
    await addAudit(tx, {
      at: addedAt,
      actor: addedBy,
      action: 'reviewer.add',
      subject: name,
      detail: { keyId, aliases },
    });
  });
}

/** From now on nothing that this person signed counts. Errors: not-found. */
export async function removeReviewer(db: Db, name: string, by: string, at: Date): Promise<void> {
  await inTransaction(db, async (tx) => {
    const row = await tx
      .deleteFrom('reviewer')
      .where('name', '=', storable(name))
      .returning('key_id')
      .executeTakeFirst();
    if (row === undefined)
      throw new StoreError('not-found', 'input', {
        what: 'there is no reviewer of this name',
        where: name,
        remedy: '"tuxtape reviewer list" lists them',
      });
    await addAudit(tx, { at, actor: by, action: 'reviewer.remove', subject: name, detail: { keyId: row.key_id } });
  });
}

/** By name. */
export async function listReviewers(db: Db): Promise<Reviewer[]> {
  const rows = await db.selectFrom('reviewer').selectAll().orderBy('name').execute();
  return rows.map(({ name, aliases, key_id, public_key, added_by, added_at }) => ({
    ...{ name, aliases, keyId: key_id, publicKey: public_key, addedBy: added_by, addedAt: added_at },
  }));
}
