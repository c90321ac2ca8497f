import { type Account, accountById } from './accounts.ts';
import { addAudit } from './audit.ts';
import { type Db, inTransaction } from './store.ts';

/** A session that nobody uses for so long is over; ASVS 4.0.3, 3.3.2 (L2: 30 minutes). */
export const IDLE_MS = 30 * 60_000;
/** However much it is used: ASVS 4.0.3, 3.3.2 (L2: 12 hours). */
export const LONGEST_MS = 12 * 3_600_000;
/** How often a use is written down: a page asks many times a minute. */
const SEEN_EVERY_MS = 60_000;

/** Begins a session for a login, in place of the one the browser came with. `idHash`: the hash of the new id. */
export async function beginSession(
  db: Db,
  { account, idHash, before, how }: { account: Account; idHash: string; before: string | null; how: string },
  at: Date,
): Promise<void> {
  const endsAt = new Date(at.getTime() + LONGEST_MS);
  await inTransaction(db, async (tx) => {
    if (before !== null) await tx.deleteFrom('session').where('id_hash', '=', before).execute();
    // What is over is swept here: logins are rare, and no job has to run for it.
    await tx
      .deleteFrom('session')
      .where((or) => or.or([or('ends_at', '<=', at), or('seen_at', '<=', new Date(at.getTime() - IDLE_MS))]))
      .execute();
    const times = { began_at: at, seen_at: at, ends_at: endsAt };
    await tx
      .insertInto('session')
      .values({ id_hash: idHash, account_id: account.id, ...times })
      .execute();
    await addAudit(tx, { at, actor: account.name, action: 'session.begin', subject: account.name, detail: { how } });
  });
}

/** The account of a session that is neither over nor unused for too long; its use is written down. */
export async function sessionAccount(db: Db, idHash: string, now: Date): Promise<Account | undefined> {
  const row = await db
    .selectFrom('session')
    .selectAll()
    .where('id_hash', '=', idHash)
    .where('ends_at', '>', now)
    .where('seen_at', '>', new Date(now.getTime() - IDLE_MS))
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const account = await accountById(db, row.account_id);
  if (account === undefined || account.disabledAt !== null) return undefined;
  if (now.getTime() - row.seen_at.getTime() > SEEN_EVERY_MS)
    await db.updateTable('session').set({ seen_at: now }).where('id_hash', '=', idHash).execute();
  return account;
}

export async function endSession(db: Db, idHash: string, name: string, at: Date): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { numDeletedRows } = await tx.deleteFrom('session').where('id_hash', '=', idHash).executeTakeFirst();
    if (numDeletedRows === 1n)
      await addAudit(tx, { at, actor: name, action: 'session.end', subject: name, detail: {} });
  });
}
