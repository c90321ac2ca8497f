import { type Selectable, sql } from 'kysely';
import type { AppliedPatch, BuildId, ConfigChange, KernelOrigin, SourceOrigin, Toolchain } from '#domain';
import { sha256 } from '#host';
import { StoreError } from './error.ts';
import type { Kernel } from './schema.ts';
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
  /** How it came to be known here; a kernel that was only predicted becomes "built" when it is built. */
  readonly origin: KernelOrigin;
  /** Where its source was taken from; null: not recorded. */
  readonly source: SourceOrigin | null;
  /** Its source tree where that is not the tree it is built in: of an import, or of a build with O=. */
  readonly sourceDirectory: string | null;
  readonly patches: readonly AppliedPatch[];
  /** Choices of the configuration that its source changed, and that were accepted. */
  readonly configChanges: readonly ConfigChange[];
  readonly addedAt: Date;
  readonly builtAt: Date | null;
}

type OriginParts = 'origin' | 'source' | 'sourceDirectory' | 'patches' | 'configChanges';

/** A kernel to be added; what is not said of its origin is as for one that was built here from an unknown source. */
export type NewKernel = Omit<KernelRow, 'addedAt' | 'builtAt' | OriginParts> & Partial<Pick<KernelRow, OriginParts>>;

/** Errors: already-there, when the name or build-id is taken. */
export async function addKernel(tx: Db, row: NewKernel): Promise<void> {
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
      origin: row.origin ?? 'built',
      source: row.source ? storableJson(row.source) : null,
      source_directory: row.sourceDirectory ?? null,
      patches: storableJson(row.patches ?? []),
      config_changes: storableJson(row.configChanges ?? []),
      ...(row.state === 'built' ? { built_at: new Date() } : {}),
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows === 1n) return;
  throw await alreadyThere(tx, row);
}

/** The same build under a second name would split its verdicts, so another name helps only where the name collides. */
async function alreadyThere(tx: Db, { name, buildId }: NewKernel): Promise<StoreError> {
  const same = buildId === null ? undefined : await findKernel(tx, buildId);
  if (same !== undefined && same.buildId === buildId) {
    return new StoreError('already-there', 'input', {
      what: `kernel "${same.name}" is this very build (same build-id)`,
      where: `${buildId}`,
      remedy: `use "${same.name}", or forget it first with "tuxtape kernel remove ${same.name}"`,
    });
  }
  return new StoreError('already-there', 'input', {
    what: 'there is a kernel of this name already',
    where: name,
    remedy: `choose another name, or forget that one first with "tuxtape kernel remove ${name}"`,
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
      remedy: `use "${other.name}", or forget it with "tuxtape kernel remove ${other.name}"; a second name for one build would split its verdicts`,
    });
  }
  const { numUpdatedRows } = await tx
    .updateTable('kernel')
    .set({
      state: 'built',
      release: built.release,
      build_id: built.buildId,
      built_at: built.at,
      origin: sql`CASE origin WHEN 'config' THEN 'built' ELSE origin END`,
    })
    .where('id', '=', id)
    .executeTakeFirst();
  if (numUpdatedRows !== 1n)
    throw new StoreError('not-found', 'us', { what: 'a build of an unknown kernel', where: id });
}

/** Records what became of a kernel's tree: its patches as they were applied, and what was accepted. */
export async function recordTree(
  tx: Db,
  id: string,
  tree: Pick<KernelRow, 'patches' | 'configChanges'>,
): Promise<void> {
  await tx
    .updateTable('kernel')
    .set({ patches: storableJson(tree.patches), config_changes: storableJson(tree.configChanges) })
    .where('id', '=', id)
    .execute();
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

const unnamedLinker: Partial<Toolchain> = { linker: null };

function fromRow(row: Selectable<Kernel>): KernelRow {
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
    // Rows from before linkers were recorded lack the word.
    toolchain: { ...unnamedLinker, ...(row.toolchain as unknown as Toolchain) },
    bundled: row.bundled,
    origin: row.origin as KernelOrigin,
    source: row.source as unknown as SourceOrigin | null,
    sourceDirectory: row.source_directory,
    patches: row.patches as unknown as readonly AppliedPatch[],
    configChanges: row.config_changes as unknown as readonly ConfigChange[],
    addedAt: row.added_at,
    builtAt: row.built_at,
  };
}

/**
 * Stores the encoded profile of a kernel, replacing an earlier one. Proofs go with the profile they were made by: it said
 * which objects read a file.
 */
export async function saveProfile(tx: Db, kernelId: string, encoded: Uint8Array): Promise<void> {
  const row = { profile: Buffer.from(encoded), sha256: sha256(encoded) };
  await sql`
    DELETE FROM proof WHERE kernel_id = ${kernelId}
      AND NOT EXISTS (SELECT FROM kernel_profile WHERE kernel_id = ${kernelId} AND sha256 = ${row.sha256})`.execute(tx);
  await tx
    .insertInto('kernel_profile')
    .values({ kernel_id: kernelId, ...row })
    .onConflict((conflict) => conflict.column('kernel_id').doUpdateSet(row))
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
