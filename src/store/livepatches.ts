import { currentGate, type GateRecord, type GateRecordV1, type LivepatchRecipe } from '#domain';
import { StoreError } from './error.ts';
import { storableJson } from './storable.ts';
import type { Db } from './store.ts';

export interface LivepatchRow {
  readonly id: string;
  readonly kernelId: string;
  readonly moduleName: string;
  readonly moduleSha256: string;
  /** Holds module.ko, change.patch, recipe.json, provenance.json and, once proved, gate.dsse.json; approvals/ as they are given. */
  readonly directory: string;
  readonly recipe: LivepatchRecipe;
  readonly gate: GateRecord | null;
  readonly builtAt: Date;
}

export async function addLivepatch(tx: Db, row: Omit<LivepatchRow, 'gate'>): Promise<void> {
  await tx
    .insertInto('livepatch')
    .values({
      id: row.id,
      kernel_id: row.kernelId,
      module_name: row.moduleName,
      module_sha256: row.moduleSha256,
      directory: row.directory,
      recipe: storableJson(row.recipe),
      built_at: row.builtAt,
    })
    .execute();
}

/** Errors: not-found. */
export async function setGate(tx: Db, id: string, gate: GateRecord): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable('livepatch')
    .set({ gate: storableJson(gate) })
    .where('id', '=', id)
    .executeTakeFirst();
  if (numUpdatedRows !== 1n)
    throw new StoreError('not-found', 'us', { what: 'a gate record for an unknown livepatch', where: id });
}

/** The module was signed: its bytes are others, and what was proved of the old ones is gone. Errors: not-found. */
export async function setModule(tx: Db, id: string, moduleSha256: string): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable('livepatch')
    .set({ module_sha256: moduleSha256, gate: null })
    .where('id', '=', id)
    .executeTakeFirst();
  if (numUpdatedRows !== 1n)
    throw new StoreError('not-found', 'us', { what: 'a signature for an unknown livepatch', where: id });
}

/** By id, or the newest of that module name. */
export async function findLivepatch(db: Db, key: string): Promise<LivepatchRow | undefined> {
  const row = await db
    .selectFrom('livepatch')
    .selectAll()
    .where((where) => where.or([where('id', '=', key), where('module_name', '=', key)]))
    .orderBy('built_at', 'desc')
    .executeTakeFirst();
  return row && fromRow(row);
}

/** As `findLivepatch`. Errors: not-found. */
export async function needLivepatch(db: Db, key: string): Promise<LivepatchRow> {
  const found = await findLivepatch(db, key);
  if (found) return found;
  throw new StoreError('not-found', 'input', {
    what: 'there is no livepatch of this id or name',
    where: key,
    remedy: '"tuxtape livepatch list" lists them',
  });
}

/** Newest first. */
export async function listLivepatches(db: Db, kernelId?: string): Promise<LivepatchRow[]> {
  let query = db.selectFrom('livepatch').selectAll().orderBy('built_at', 'desc');
  if (kernelId !== undefined) query = query.where('kernel_id', '=', kernelId);
  return (await query.execute()).map(fromRow);
}

function fromRow(row: {
  id: string;
  kernel_id: string;
  module_name: string;
  module_sha256: string;
  directory: string;
  recipe: unknown;
  gate: unknown;
  built_at: Date;
}): LivepatchRow {
  const recipe = row.recipe as LivepatchRecipe;
  const gate = row.gate as GateRecord | GateRecordV1 | null;
  return {
    id: row.id,
    kernelId: row.kernel_id,
    moduleName: row.module_name,
    moduleSha256: row.module_sha256,
    directory: row.directory,
    recipe,
    gate: gate === null ? null : currentGate(gate, recipe.functions),
    builtAt: row.built_at,
  };
}
