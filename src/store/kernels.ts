import { sql } from 'kysely';
import type { BuildId, Toolchain } from '#domain';
import { StoreError } from './error.ts';
import { storableJson } from './storable.ts';
import type { Db } from './store.ts';

export interface KernelRow {
  readonly id: string;
  readonly name: string;
  /** `uname -r` of the built kernel; null before the build. */
  readonly release: string | null;
  /** Version of the source, as its Makefile says it. */
  readonly version: string;
  readonly arch: string;
  readonly state: 'added' | 'built';
  readonly buildId: BuildId | null;
  readonly treeDirectory: string;
  readonly configSha256: string;
  readonly toolchain: Toolchain;
  /** Came with TuxTape as an example; has a profile but no tree. */
  readonly bundled: boolean;
  readonly addedAt: Date;
  readonly builtAt: Date | null;
}

/** Errors: already-there, when the name or build-id is taken. */
export async function addKernel(tx: Db, row: Omit<KernelRow, 'addedAt' | 'builtAt'>): Promise<void> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('kernel')
    .values({
      id: row.id,
      name: row.name,
      release: row.release,
      version: row.version,
      arch: row.arch,
      state: row.state,
      build_id: row.buildId,
      tree_directory: row.treeDirectory,
      config_sha256: row.configSha256,
      toolchain: storableJson(row.toolchain),
      bundled: row.bundled,
      ...(row.state === 'built' ? { built_at: new Date() } : {}),
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows === 1n) return;
  throw new StoreError('already-there', 'input', {
    what: 'there is a kernel of this name or build-id already',
    where: row.name,
    remedy: 'choose another name, or look at it with "tuxtape kernel list"',
  });
}

export async function markBuilt(
  tx: Db,
  id: string,
  built: { release: string; buildId: BuildId; at: Date },
): Promise<void> {
  const other = await tx
    .selectFrom('kernel')
    .select('name')
    .where('build_id', '=', built.buildId)
    .where('id', '!=', id)
    .executeTakeFirst();
  if (other) {
    throw new StoreError('already-there', 'input', {
      what: `kernel "${other.name}" is this very build (same build-id)`,
      where: built.buildId,
      remedy: `use "${other.name}"; a second name for one build would split its verdicts`,
    });
  }
  const { numUpdatedRows } = await tx
    .updateTable('kernel')
    .set({ state: 'built', release: built.release, build_id: built.buildId, built_at: built.at })
    .where('id', '=', id)
    .executeTakeFirst();
  if (numUpdatedRows !== 1n)
    throw new StoreError('not-found', 'us', { what: 'a build of an unknown kernel', where: id });
}

/** Finds a kernel by name, id or build-id. */
export async function findKernel(db: Db, key: string): Promise<KernelRow | undefined> {
  const row = await db
    .selectFrom('kernel')
    .selectAll()
    .where((where) => where.or([where('name', '=', key), where('id', '=', key), where('build_id', '=', key)]))
    .orderBy(sql`name = ${key}`, 'desc')
    .executeTakeFirst();
  return row && fromRow(row);
}

/** As `findKernel`. Errors: not-found, with the names there are. */
export async function needKernel(db: Db, key: string): Promise<KernelRow> {
  const found = await findKernel(db, key);
  if (found) return found;
  const names = (await listKernels(db)).map(({ name }) => name);
  throw new StoreError('not-found', 'input', {
    what: 'there is no kernel of this name, id or build-id',
    where: key,
    remedy: names.length > 0 ? `there are: ${names.join(', ')}` : 'add one with "tuxtape kernel add"',
  });
}

export async function listKernels(db: Db): Promise<KernelRow[]> {
  const rows = await db.selectFrom('kernel').selectAll().orderBy('bundled').orderBy('name').execute();
  return rows.map(fromRow);
}

function fromRow(row: {
  id: string;
  name: string;
  release: string | null;
  version: string;
  arch: string;
  state: string;
  build_id: string | null;
  tree_directory: string;
  config_sha256: string;
  toolchain: unknown;
  bundled: boolean;
  added_at: Date;
  built_at: Date | null;
}): KernelRow {
  return {
    id: row.id,
    name: row.name,
    release: row.release,
    version: row.version,
    arch: row.arch,
    state: row.state as KernelRow['state'],
    buildId: row.build_id,
    treeDirectory: row.tree_directory,
    configSha256: row.config_sha256,
    toolchain: row.toolchain as Toolchain,
    bundled: row.bundled,
    addedAt: row.added_at,
    builtAt: row.built_at,
  };
}

/** Stores the encoded profile of a kernel, replacing an earlier one. */
export async function saveProfile(tx: Db, kernelId: string, encoded: Uint8Array): Promise<void> {
  const profile = Buffer.from(encoded);
  await tx
    .insertInto('kernel_profile')
    .values({ kernel_id: kernelId, profile })
    .onConflict((conflict) => conflict.column('kernel_id').doUpdateSet({ profile }))
    .execute();
}

export async function loadProfile(db: Db, kernelId: string): Promise<Uint8Array | undefined> {
  const row = await db
    .selectFrom('kernel_profile')
    .select('profile')
    .where('kernel_id', '=', kernelId)
    .executeTakeFirst();
  return row?.profile;
}
