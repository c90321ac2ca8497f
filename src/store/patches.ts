import { randomUUID } from 'node:crypto';
import type { CveId, KernelPatch, PatchOrigin, PatchVersion } from '#domain';
import { addAudit } from './audit.ts';
import { StoreError } from './error.ts';
import { storable, storableJson } from './storable.ts';
import { type Db, inTransaction } from './store.ts';

export async function findPatch(db: Db, kernelId: string, name: string): Promise<KernelPatch | undefined> {
  const row = await db
    .selectFrom('patch')
    .selectAll()
    .where('kernel_id', '=', kernelId)
    .where('name', '=', name)
    .executeTakeFirst();
  return row && fromRow(row);
}

/** As `findPatch`. Errors: not-found. */
export async function needPatch(db: Db, kernelId: string, name: string): Promise<KernelPatch> {
  const found = await findPatch(db, kernelId, name);
  if (found !== undefined) return found;
  throw new StoreError('not-found', 'input', {
    what: 'there is no opened patch of this name for this kernel',
    where: name,
    remedy: '"tuxtape patch list" lists them; "tuxtape patch open" opens one',
  });
}

/** Patches of a kernel, or of all, by name. */
export async function listPatches(db: Db, kernelId?: string): Promise<KernelPatch[]> {
  let query = db.selectFrom('patch').selectAll().orderBy('kernel_id').orderBy('name');
  if (kernelId !== undefined) query = query.where('kernel_id', '=', kernelId);
  return (await query.execute()).map(fromRow);
}

/** The patch of this name; made, without a version, when there was none. */
export async function ensurePatch(
  db: Db,
  { kernelId, name, cves, commits }: Omit<KernelPatch, 'id' | 'madeAt'>,
  at: Date,
): Promise<KernelPatch> {
  await db
    .insertInto('patch')
    .values({
      ...{ id: randomUUID(), kernel_id: kernelId, name, cves: [...cves] },
      ...{ commits: storableJson(commits), made_at: at },
    })
    .onConflict((conflict) => conflict.columns(['kernel_id', 'name']).doNothing())
    .execute();
  return needPatch(db, kernelId, name);
}

/** Its fixes are others now. */
export async function setCommits(db: Db, patchId: string, commits: KernelPatch['commits']): Promise<void> {
  await db
    .updateTable('patch')
    .set({ commits: storableJson(commits) })
    .where('id', '=', patchId)
    .execute();
}

/** All versions, oldest first. */
export async function patchVersions(db: Db, patchId: string): Promise<PatchVersion[]> {
  const rows = await db
    .selectFrom('patch_version')
    .selectAll()
    .where('patch_id', '=', patchId)
    .orderBy('number')
    .execute();
  return rows.map(versionOf);
}

export async function newestVersion(db: Db, patchId: string): Promise<PatchVersion | undefined> {
  const row = await db
    .selectFrom('patch_version')
    .selectAll()
    .where('patch_id', '=', patchId)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row && versionOf(row);
}

export type NewVersion = Omit<PatchVersion, 'number' | 'madeAt'>;

/**
 * Adds a version made from `base`, with its audit entry. Errors: edit-outdated, naming both hashes, when the newest version
 * is another one by now: nothing is stored, and no edit is lost.
 */
export async function addVersion(db: Db, patch: KernelPatch, version: NewVersion, at: Date): Promise<PatchVersion> {
  return inTransaction(db, async (tx) => {
    // Whoever edits the same patch waits here.
    await tx.selectFrom('patch').select('id').where('id', '=', patch.id).forUpdate().executeTakeFirstOrThrow();
    const newest = await newestVersion(tx, patch.id);
    if ((newest?.sha256 ?? null) !== version.base) throw outdated(patch, version.base, newest);
    const number = (newest?.number ?? 0) + 1;
    const { sha256, base, text, reviewKey, origin } = version;
    const [author, note] = [storable(version.author), storable(version.note)];
    await tx
      .insertInto('patch_version')
      .values({
        ...{ patch_id: patch.id, number, sha256, base, text, author, note },
        ...{ review_key: reviewKey, origin: storableJson(origin), made_at: at },
      })
      .execute();
    const detail = { kernel: patch.kernelId, number, sha256, base, note, origin: origin.kind };
    await addAudit(tx, { at, actor: author, action: 'patch.version', subject: patch.id, detail });
    return { ...version, author, note, number, madeAt: at };
  });
}

function outdated({ name }: KernelPatch, base: string | null, newest: PatchVersion | undefined): StoreError {
  const word = (hash: string | null | undefined): string => (hash === null || hash === undefined ? 'none' : hash);
  return new StoreError('edit-outdated', 'input', {
    what: `this edit was made from version ${word(base)}, and the newest is ${word(newest?.sha256)}${newest === undefined ? '' : ` (${newest.number}, by ${JSON.stringify(newest.author)})`}`,
    where: name,
    remedy:
      'look at what changed ("tuxtape patch diff"), make your edit again from the newest version, and give its hash as --base',
  });
}

/** A patch of some kernel whose newest version is the same change. */
export interface SharedReview {
  readonly kernelId: string;
  readonly kernel: string;
  readonly name: string;
  readonly number: number;
}

/** Patches whose newest version has this review key: one review is for all of them. */
export async function patchesOfReview(db: Db, reviewKey: string): Promise<SharedReview[]> {
  const rows = await db
    .selectFrom('patch_version as version')
    .innerJoin('patch', 'patch.id', 'version.patch_id')
    .innerJoin('kernel', 'kernel.id', 'patch.kernel_id')
    .select(['patch.kernel_id', 'kernel.name as kernel', 'patch.name', 'version.number'])
    .where('version.review_key', '=', reviewKey)
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('patch_version as later')
            .select('later.number')
            .whereRef('later.patch_id', '=', 'version.patch_id')
            .whereRef('later.number', '>', 'version.number'),
        ),
      ),
    )
    .orderBy('kernel.name')
    .orderBy('patch.name')
    .execute();
  return rows.map(({ kernel_id: kernelId, kernel, name, number }) => ({ kernelId, kernel, name, number }));
}

function fromRow(row: {
  id: string;
  kernel_id: string;
  name: string;
  cves: string[];
  commits: unknown;
  made_at: Date;
}): KernelPatch {
  return {
    id: row.id,
    kernelId: row.kernel_id,
    name: row.name,
    cves: row.cves as CveId[],
    commits: row.commits as KernelPatch['commits'],
    madeAt: row.made_at,
  };
}

function versionOf(row: {
  number: number;
  sha256: string;
  base: string | null;
  text: string;
  review_key: string;
  origin: unknown;
  author: string;
  note: string;
  made_at: Date;
}): PatchVersion {
  const { number, sha256, base, text, author, note } = row;
  const origin = row.origin as PatchOrigin;
  return { number, sha256, base, text, reviewKey: row.review_key, origin, author, note, madeAt: row.made_at };
}
