import type { GateRecord, LivepatchRecipe } from '#domain';
import { StoreError } from './error.ts';
import type { Db } from './store.ts';

export interface LivepatchRow {
  readonly id: string;
  readonly kernelId: string;
  readonly moduleName: string;
  readonly moduleSha256: string;
  /** Holds module.ko, change.patch, recipe.json, build.log and, once proved, gate.json. */
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
      recipe: JSON.stringify(row.recipe),
      built_at: row.builtAt,
    })
    .execute();
}

export async function setGate(tx: Db, id: string, gate: GateRecord): Promise<void> {
  await tx
    .updateTable('livepatch')
    .set({ gate: JSON.stringify(gate) })
    .where('id', '=', id)
    .execute();
}

/** By id, or the newest of that module name. Errors: not-found. */
export async function needLivepatch(db: Db, key: string): Promise<LivepatchRow> {
  const row = await db
    .selectFrom('livepatch')
    .selectAll()
    .where((where) => where.or([where('id', '=', key), where('module_name', '=', key)]))
    .orderBy('built_at', 'desc')
    .executeTakeFirst();
  if (row) return fromRow(row);
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
  return {
    id: row.id,
    kernelId: row.kernel_id,
    moduleName: row.module_name,
    moduleSha256: row.module_sha256,
    directory: row.directory,
    recipe: row.recipe as LivepatchRecipe,
    gate: row.gate as GateRecord | null,
    builtAt: row.built_at,
  };
}
