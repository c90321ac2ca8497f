import { randomUUID } from 'node:crypto';
import { type Grant, scopeText } from '#domain';
import { type Account, accountById, type By, needAccount } from './accounts.ts';
import { addAudit } from './audit.ts';
import { StoreError } from './error.ts';
import { storable, storableJson } from './storable.ts';
import { type Db, inTransaction } from './store.ts';

/** A use is written down so often. */
const USED_EVERY_MS = 60_000;

export interface ApiToken {
  readonly id: string;
  readonly account: string;
  readonly name: string;
  readonly grants: readonly Grant[];
  readonly madeBy: string;
  readonly madeAt: Date;
  readonly endsAt: Date;
  readonly usedAt: Date | null;
  readonly revokedAt: Date | null;
}

export interface NewToken {
  /** Name of the account. */
  readonly account: string;
  /** What it is for. */
  readonly name: string;
  readonly grants: readonly Grant[];
  /** Hash of the token; the token itself is nowhere. */
  readonly hash: string;
  readonly endsAt: Date;
}

/** Errors: not-found. */
export async function addToken(db: Db, token: NewToken, { by, at }: By): Promise<ApiToken> {
  const { grants, endsAt } = token;
  const [id, name] = [randomUUID(), storable(token.name)];
  return inTransaction(db, async (tx) => {
    const account = await needAccount(tx, token.account);
    const times = { made_by: storable(by), made_at: at, ends_at: endsAt };
    await tx
      .insertInto('api_token')
      .values({ id, hash: token.hash, account_id: account.id, name, grants: storableJson(grants), ...times })
      .execute();
    const what = grants.map(({ role, scope }) => `${role} ${scopeText(scope)}`);
    const detail = { id, name, grants: what, endsAt };
    await addAudit(tx, { at, actor: by, action: 'token.make', subject: account.name, detail });
    return { id, account: account.name, name, grants, madeBy: by, madeAt: at, endsAt, usedAt: null, revokedAt: null };
  });
}

/** Newest first; of one account, or all. */
export async function listTokens(db: Db, account: string | null): Promise<ApiToken[]> {
  let query = db
    .selectFrom('api_token')
    .innerJoin('account', 'account.id', 'api_token.account_id')
    .selectAll('api_token')
    .select('account.name as account')
    .orderBy('made_at', 'desc')
    .orderBy('api_token.id');
  if (account !== null) query = query.where('account.name', '=', storable(account));
  return (await query.execute()).map((row) => ({
    ...{ id: row.id, account: row.account, name: row.name, grants: row.grants as unknown as Grant[] },
    ...{ madeBy: row.made_by, madeAt: row.made_at, endsAt: row.ends_at },
    ...{ usedAt: row.used_at, revokedAt: row.revoked_at },
  }));
}

/** Takes a token back; of one account, or whose ever. Errors: not-found, also when it was taken back before. */
export async function revokeToken(db: Db, id: string, account: string | null, { by, at }: By): Promise<void> {
  await inTransaction(db, async (tx) => {
    const token = (await listTokens(tx, account)).find((one) => one.id === id && one.revokedAt === null);
    if (token === undefined)
      throw new StoreError('not-found', 'input', {
        what: 'there is no such token in force',
        where: id,
        remedy: '"tuxtape token list" lists them',
      });
    await tx.updateTable('api_token').set({ revoked_at: at }).where('id', '=', id).execute();
    const detail = { id, name: token.name };
    await addAudit(tx, { at, actor: by, action: 'token.revoke', subject: token.account, detail });
  });
}

/** Whose token has this hash, and what it carries; nothing when it is over, taken back, or its account is disabled. */
export async function tokenAccount(
  db: Db,
  hash: string,
  now: Date,
): Promise<{ readonly id: string; readonly account: Account; readonly grants: readonly Grant[] } | undefined> {
  const row = await db
    .selectFrom('api_token')
    .selectAll()
    .where('hash', '=', hash)
    .where('ends_at', '>', now)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const account = await accountById(db, row.account_id);
  if (account === undefined || account.disabledAt !== null) return undefined;
  if (row.used_at === null || now.getTime() - row.used_at.getTime() > USED_EVERY_MS)
    await db.updateTable('api_token').set({ used_at: now }).where('id', '=', row.id).execute();
  return { id: row.id, account, grants: row.grants as unknown as Grant[] };
}
