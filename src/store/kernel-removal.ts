import { addAudit } from './audit.ts';
import { StoreError } from './error.ts';
import { findKernel, type KernelRow, needKernel } from './kernels.ts';
import { type LivepatchRow, listLivepatches } from './livepatches.ts';
import { markDue } from './priorities.ts';
import { type Db, inTransaction } from './store.ts';

export interface RemovedKernel {
  readonly kernel: KernelRow;
  readonly livepatches: readonly LivepatchRow[];
  /** What people said of its verdicts and had not taken back; the audit keeps every word. */
  readonly overrides: number;
  /** Folders of it that another kernel names as its tree or source, too. */
  readonly shared: readonly string[];
  /** Another kernel without a tree has the same configuration. */
  readonly sharesConfig: boolean;
}

/**
 * Removes a kernel with all that is known of it: profile, verdicts, proofs, overrides, builds that ended, host lists. A livepatch
 * is a work of its own, and goes only where that is said. Every priority is due: exposure is a part of it.
 * Errors: not-found; kernel-in-use, while a build of it waits or runs, or livepatches were made for it.
 */
export async function removeKernel(
  db: Db,
  key: string,
  how: { readonly withLivepatches: boolean; readonly by: string; readonly at: Date },
): Promise<RemovedKernel> {
  return inTransaction(db, async (tx) => {
    const { id } = await needKernel(tx, key);
    await tx.selectFrom('kernel').select('id').where('id', '=', id).forUpdate().execute();
    const kernel = (await findKernel(tx, id)) ?? (await needKernel(tx, key));
    await refuseOpenBuild(tx, kernel);
    const livepatches = await listLivepatches(tx, id);
    if (livepatches.length > 0 && !how.withLivepatches) throw hasLivepatches(kernel, livepatches);
    const overrides = await countOverrides(tx, id);
    const shared = await sharedFolders(tx, kernel);
    const sharesConfig = await isConfigShared(tx, kernel);
    await tx.deleteFrom('livepatch').where('kernel_id', '=', id).execute();
    await tx.deleteFrom('kernel').where('id', '=', id).execute();
    const { name, release, version, arch, buildId, origin } = kernel;
    const facts = { id, release, version, arch, buildId, origin, overrides };
    const detail = { ...facts, livepatches: livepatches.map((livepatch) => livepatch.id) };
    await addAudit(tx, { at: how.at, actor: how.by, action: 'kernel.remove', subject: name, detail });
    await markDue(tx, 'all');
    return { kernel, livepatches, overrides, shared, sharesConfig };
  });
}

async function refuseOpenBuild(tx: Db, { id, name }: KernelRow): Promise<void> {
  const open = await tx
    .selectFrom('kernel_build')
    .select(['id', 'state'])
    .where('kernel_id', '=', id)
    .where('state', 'in', ['queued', 'running'])
    .executeTakeFirst();
  if (open === undefined) return;
  throw new StoreError('kernel-in-use', 'input', {
    what: `a build of kernel "${name}" is ${open.state}`,
    where: open.id,
    remedy: `wait for it, or end it with "tuxtape kernel cancel ${name}"`,
  });
}

function hasLivepatches({ name }: KernelRow, livepatches: readonly LivepatchRow[]): StoreError {
  return new StoreError('kernel-in-use', 'input', {
    what: `${livepatches.length} livepatches were built for kernel "${name}": ${livepatches.map(({ moduleName }) => moduleName).join(', ')}`,
    where: name,
    remedy: 'give --with-livepatches to delete them here, too; what was published or is loaded stays where it is',
  });
}

async function countOverrides(tx: Db, kernelId: string): Promise<number> {
  const rows = await tx
    .selectFrom('verdict_override')
    .select('id')
    .where('kernel_id', '=', kernelId)
    .where('revoked_at', 'is', null)
    .execute();
  return rows.length;
}

async function sharedFolders(tx: Db, { id, treeDirectory, sourceDirectory }: KernelRow): Promise<string[]> {
  const own = [treeDirectory, sourceDirectory].filter((path): path is string => path !== null && path !== '');
  const others = await tx
    .selectFrom('kernel')
    .select(['tree_directory', 'source_directory'])
    .where('id', '!=', id)
    .execute();
  const used = new Set(others.flatMap((other) => [other.tree_directory, other.source_directory]));
  return own.filter((path) => used.has(path));
}

async function isConfigShared(tx: Db, { id, configSha256 }: KernelRow): Promise<boolean> {
  const other = await tx
    .selectFrom('kernel')
    .select('id')
    .where('config_sha256', '=', configSha256)
    .where('tree_directory', '=', '')
    .where('id', '!=', id)
    .executeTakeFirst();
  return other !== undefined;
}
