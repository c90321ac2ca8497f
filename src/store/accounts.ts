import { randomUUID } from 'node:crypto';
import { type Selectable, sql } from 'kysely';
import { type Grant, type Role, type Scope, scopeText } from '#domain';
import { addAudit } from './audit.ts';
import { StoreError } from './error.ts';
import type { Account as Row } from './schema.ts';
import { storable } from './storable.ts';
import { type Db, inTransaction } from './store.ts';

/** An account without its secrets. */
export interface Account {
  readonly id: string;
  readonly name: string;
  readonly shown: string;
  readonly hasPassword: boolean;
  readonly hasTotp: boolean;
  readonly subject: { readonly issuer: string; readonly subject: string } | null;
  readonly grants: readonly Grant[];
  readonly addedBy: string;
  readonly addedAt: Date;
  readonly disabledAt: Date | null;
}

export interface NewAccount {
  readonly name: string;
  readonly shown?: string;
  /** Argon2id in PHC form. */
  readonly password: string | null;
  readonly subject: { readonly issuer: string; readonly subject: string } | null;
  readonly grants: readonly Grant[];
}

/** Who changes something, and when. */
export interface By {
  readonly by: string;
  readonly at: Date;
}

/** Adds an account with its grants and audit entries. Errors: already-there, for a name or an OIDC subject that is taken. */
export async function addAccount(db: Db, account: NewAccount, { by, at }: By): Promise<Account> {
  const { name, password, subject, grants } = account;
  const id = randomUUID();
  return inTransaction(db, async (tx) => {
    const added = await tx
      .insertInto('account')
      .values({
        ...{ id, name, shown: storable(account.shown ?? name), password },
        ...{ issuer: subject?.issuer ?? null, subject: subject?.subject ?? null },
        ...{ added_by: storable(by), added_at: at },
      })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (added.numInsertedOrUpdatedRows !== 1n)
      throw new StoreError('already-there', 'input', {
        what: 'there is an account of this name, or for this person at the provider',
        where: name,
        remedy: '"tuxtape user list" lists them; a name is never given twice',
      });
    const detail = { id, password: password !== null, subject, grants };
    await addAudit(tx, { at, actor: by, action: 'account.add', subject: name, detail });
    for (const grant of grants) await insertGrant(tx, id, grant);
    return (await findAccount(tx, name))!;
  });
}

/** Are there accounts at all, or does everybody who reaches the server see it? Disabled ones count. */
export async function hasAccounts(db: Db): Promise<boolean> {
  return (await db.selectFrom('account').select('id').limit(1).executeTakeFirst()) !== undefined;
}

/** By name. */
export async function listAccounts(db: Db): Promise<Account[]> {
  const rows = await db.selectFrom('account').selectAll().orderBy('name').execute();
  const grants = await grantsOf(
    db,
    rows.map(({ id }) => id),
  );
  return rows.map((row) => toAccount(row, grants.get(row.id) ?? []));
}

export async function findAccount(db: Db, name: string): Promise<Account | undefined> {
  return accountWhere(db, sql<boolean>`name = ${storable(name)}`);
}

export async function accountById(db: Db, id: string): Promise<Account | undefined> {
  return accountWhere(db, sql<boolean>`id = ${id}`);
}

export async function accountOfSubject(db: Db, issuer: string, subject: string): Promise<Account | undefined> {
  return accountWhere(db, sql<boolean>`issuer = ${storable(issuer)} AND subject = ${storable(subject)}`);
}

/** Errors: not-found. */
export async function needAccount(db: Db, name: string): Promise<Account> {
  const found = await findAccount(db, name);
  if (found !== undefined) return found;
  throw new StoreError('not-found', 'input', {
    what: 'there is no account of this name',
    where: name,
    remedy: '"tuxtape user list" lists them',
  });
}

/** Gives a role; one that is held already stays. Errors: not-found. */
export async function addGrant(db: Db, name: string, grant: Grant, { by, at }: By): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { id } = await needAccount(tx, name);
    if (!(await insertGrant(tx, id, grant))) return;
    await addAudit(tx, { at, actor: by, action: 'account.grant', subject: name, detail: words(grant) });
  });
}

/** Takes a role away, from the next request on. Errors: not-found, also when it was not held. */
export async function removeGrant(db: Db, name: string, { role, scope }: Grant, { by, at }: By): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { id } = await needAccount(tx, name);
    const { numDeletedRows } = await tx
      .deleteFrom('account_grant')
      .where('account_id', '=', id)
      .where('role', '=', role)
      .where('scope_kind', '=', scope.kind)
      .where('scope_id', '=', scope.kind === 'all' ? '' : scope.id)
      .executeTakeFirst();
    if (numDeletedRows === 0n)
      throw new StoreError('not-found', 'input', {
        what: `this account does not hold ${role} for ${scopeText(scope)}`,
        where: name,
        remedy: '"tuxtape user list" shows what each one holds',
      });
    await addAudit(tx, { at, actor: by, action: 'account.revoke', subject: name, detail: words({ role, scope }) });
  });
}

/** Ends an account: its sessions and tokens count no more. It stays, for the audit log names it. Errors: not-found. */
export async function disableAccount(db: Db, name: string, { by, at }: By): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { id } = await needAccount(tx, name);
    await tx.updateTable('account').set({ disabled_at: at }).where('id', '=', id).execute();
    await tx.deleteFrom('session').where('account_id', '=', id).execute();
    await tx
      .updateTable('api_token')
      .set({ revoked_at: at })
      .where('account_id', '=', id)
      .where('revoked_at', 'is', null)
      .execute();
    await addAudit(tx, { at, actor: by, action: 'account.disable', subject: name, detail: { id } });
  });
}

async function accountWhere(db: Db, where: ReturnType<typeof sql<boolean>>): Promise<Account | undefined> {
  const row = await db.selectFrom('account').selectAll().where(where).executeTakeFirst();
  return row && toAccount(row, (await grantsOf(db, [row.id])).get(row.id) ?? []);
}

function toAccount(row: Selectable<Row>, grants: readonly Grant[]): Account {
  const { id, name, shown, issuer, subject } = row;
  return {
    ...{ id, name, shown, grants },
    hasPassword: row.password !== null,
    hasTotp: row.totp_secret !== null,
    subject: issuer === null || subject === null ? null : { issuer, subject },
    ...{ addedBy: row.added_by, addedAt: row.added_at, disabledAt: row.disabled_at },
  };
}

async function grantsOf(db: Db, accounts: readonly string[]): Promise<Map<string, Grant[]>> {
  const rows = await db
    .selectFrom('account_grant')
    .selectAll()
    .where(sql<boolean>`account_id = ANY(${accounts}::text[])`)
    .orderBy('role')
    .orderBy('scope_kind')
    .orderBy('scope_id')
    .execute();
  const found = new Map<string, Grant[]>();
  for (const { account_id, role, scope_kind, scope_id } of rows) {
    const scope = (scope_kind === 'all' ? { kind: 'all' } : { kind: scope_kind, id: scope_id }) as Scope;
    found.set(account_id, [...(found.get(account_id) ?? []), { role: role as Role, scope }]);
  }
  return found;
}

async function insertGrant(tx: Db, account: string, { role, scope }: Grant): Promise<boolean> {
  const scopeId = scope.kind === 'all' ? '' : storable(scope.id);
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('account_grant')
    .values({ account_id: account, role, scope_kind: scope.kind, scope_id: scopeId })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
}

function words({ role, scope }: Grant): { role: Role; scope: string } {
  return { role, scope: scopeText(scope) };
}

/** Exactly these roles from now on, each change audited. Errors: not-found. */
export async function setGrants(db: Db, name: string, grants: readonly Grant[], by: By): Promise<void> {
  const key = ({ role, scope }: Grant): string => `${role} ${scopeText(scope)}`;
  await inTransaction(db, async (tx) => {
    const before = (await needAccount(tx, name)).grants;
    const [old, wanted] = [new Set(before.map(key)), new Set(grants.map(key))];
    for (const grant of before) if (!wanted.has(key(grant))) await removeGrant(tx, name, grant, by);
    for (const grant of grants) if (!old.has(key(grant))) await addGrant(tx, name, grant, by);
  });
}
