import { sql } from 'kysely';
import { type By, needAccount } from './accounts.ts';
import { addAudit } from './audit.ts';
import { storable } from './storable.ts';
import { type Db, inTransaction } from './store.ts';

/** What a login with a password is checked against. */
export interface LoginSecrets {
  readonly id: string;
  readonly name: string;
  readonly password: string | null;
  readonly totpSecret: Uint8Array | null;
  readonly totpStep: number | null;
  readonly disabled: boolean;
}

/**
 * Counts a try before it is looked at, so that many at once are not cheaper than one after the other. Null: nobody of this
 * name; `wait`: seconds until a try counts again. `waitAfter`: seconds of waiting after so many failures.
 */
export async function beginLogin(
  db: Db,
  name: string,
  waitAfter: (failures: number) => number,
  now: Date,
): Promise<LoginSecrets | { readonly wait: number } | null> {
  return inTransaction(db, async (tx) => {
    const row = await tx
      .selectFrom('account')
      .selectAll()
      .where('name', '=', storable(name))
      .forUpdate()
      .executeTakeFirst();
    if (row === undefined) return null;
    if (row.retry_at !== null && row.retry_at > now)
      return { wait: Math.ceil((row.retry_at.getTime() - now.getTime()) / 1000) };
    const failures = row.failures + 1;
    const retryAt = new Date(now.getTime() + waitAfter(failures) * 1000);
    await tx.updateTable('account').set({ failures, retry_at: retryAt }).where('id', '=', row.id).execute();
    return {
      ...{ id: row.id, name: row.name, password: row.password, totpSecret: row.totp_secret },
      ...{ totpStep: row.totp_step === null ? null : Number(row.totp_step), disabled: row.disabled_at !== null },
    };
  });
}

/** The try was right: the count is forgotten. */
export async function clearFailures(db: Db, account: string): Promise<void> {
  await db.updateTable('account').set({ failures: 0, retry_at: null }).where('id', '=', account).execute();
}

/** Uses a step of the codes up; false = another login used it, or a later one. */
export async function useTotpStep(db: Db, account: string, step: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('account')
    .set({ totp_step: step })
    .where('id', '=', account)
    .where(sql<boolean>`totp_step IS NULL OR totp_step < ${step}`)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** A new password, in PHC form; every session of the account ends, but the one that is kept. Errors: not-found. */
export async function setPassword(
  db: Db,
  name: string,
  { password, keep = '' }: { readonly password: string; readonly keep?: string },
  { by, at }: By,
): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { id } = await needAccount(tx, name);
    await tx.updateTable('account').set({ password, failures: 0, retry_at: null }).where('id', '=', id).execute();
    await tx.deleteFrom('session').where('account_id', '=', id).where('id_hash', '<>', keep).execute();
    await addAudit(tx, { at, actor: by, action: 'account.password', subject: name, detail: { id } });
  });
}

/** The secret of one-time codes, or none any more; every session of the account ends. Errors: not-found. */
export async function setTotp(db: Db, name: string, secret: Uint8Array | null, { by, at }: By): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { id } = await needAccount(tx, name);
    const value = secret === null ? null : Buffer.from(secret);
    await tx.updateTable('account').set({ totp_secret: value, totp_step: null }).where('id', '=', id).execute();
    await tx.deleteFrom('session').where('account_id', '=', id).execute();
    await addAudit(tx, { at, actor: by, action: 'account.totp', subject: name, detail: { on: secret !== null } });
  });
}

/** The stored hash of the account's password. */
export async function passwordOf(db: Db, account: string): Promise<string | null> {
  const row = await db.selectFrom('account').select('password').where('id', '=', account).executeTakeFirst();
  return row?.password ?? null;
}
