import type { Selectable } from 'kysely';
import type { BuildId } from '#domain';
import { addAudit } from './audit.ts';
import { StoreError } from './error.ts';
import type { Builder } from './schema.ts';
import { storable } from './storable.ts';
import { type Db, inTransaction } from './store.ts';

/** A machine that makes livepatches for this server. */
export interface BuilderRow {
  readonly name: string;
  readonly addedBy: string;
  readonly addedAt: Date;
  /** Null: it may work. */
  readonly removedAt: Date | null;
  /** When it asked for work, or told of it, last; null: never. */
  readonly seenAt: Date | null;
  readonly version: string | null;
  /** The kernels that it has, those that it used last first. */
  readonly kernels: readonly BuildId[];
}

export interface NewBuilder {
  readonly name: string;
  readonly tokenSha256: string;
  readonly by: string;
  readonly at: Date;
}

/** Lets a machine work, with its audit entry. A name is used once: jobs and provenance name it for good. Errors: already-there. */
export async function addBuilder(db: Db, { name, tokenSha256, by, at }: NewBuilder): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('builder')
      .values({ name, token_sha256: tokenSha256, added_by: storable(by), added_at: at })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .executeTakeFirst();
    if (numInsertedOrUpdatedRows !== 1n)
      throw new StoreError('already-there', 'input', {
        what: 'a builder has, or had, this name',
        where: name,
        remedy: 'take another: what a builder made names it for good',
      });
    await addAudit(tx, { at, actor: by, action: 'builder.add', subject: name, detail: {} });
  });
}

/** Its token is good for nothing from now on. Errors: not-found. */
export async function removeBuilder(db: Db, name: string, by: string, at: Date): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { numUpdatedRows } = await tx
      .updateTable('builder')
      .set({ removed_at: at })
      .where('name', '=', storable(name))
      .where('removed_at', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows !== 1n)
      throw new StoreError('not-found', 'input', {
        what: 'no builder of this name may work',
        where: name,
        remedy: '"tuxtape builder list" lists them',
      });
    await addAudit(tx, { at, actor: by, action: 'builder.remove', subject: name, detail: {} });
  });
}

/** By name; those that were removed, too. */
export async function listBuilders(db: Db): Promise<BuilderRow[]> {
  return (await db.selectFrom('builder').selectAll().orderBy('name').execute()).map(fromRow);
}

/** The builder whose token has this hash, if it may work. */
export async function findBuilder(db: Db, tokenSha256: string): Promise<BuilderRow | undefined> {
  const row = await db
    .selectFrom('builder')
    .selectAll()
    .where('token_sha256', '=', tokenSha256)
    .where('removed_at', 'is', null)
    .executeTakeFirst();
  return row && fromRow(row);
}

/** Writes down that a builder is there, and what it has. */
export async function seeBuilder(
  db: Db,
  name: string,
  facts: { readonly at: Date; readonly version: string; readonly kernels: readonly BuildId[] },
): Promise<void> {
  await db
    .updateTable('builder')
    .set({ seen_at: facts.at, version: storable(facts.version), kernels: [...facts.kernels] })
    .where('name', '=', name)
    .execute();
}

function fromRow(row: Selectable<Builder>): BuilderRow {
  return {
    name: row.name,
    addedBy: row.added_by,
    addedAt: row.added_at,
    removedAt: row.removed_at,
    seenAt: row.seen_at,
    version: row.version,
    kernels: row.kernels,
  };
}
