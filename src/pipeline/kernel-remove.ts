import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { exists, withLock } from '#host';
import { type KernelRow, needKernel, type RemovedKernel, removeKernel, type Store } from '#store';
import { keptConfig } from './kernel-import.ts';

const LOCK_WAIT_MS = 2_000;

export interface RemoveKernelOptions {
  readonly store: Store;
  /** Folder of all trees. */
  readonly trees: string;
  readonly name: string;
  readonly withLivepatches: boolean;
  readonly by: string;
  readonly clock: { now(): Date };
}

/** `deleted`: folders and files that were ours alone; `kept`: those that another kernel uses or that are not ours. */
export type KernelRemoval = RemovedKernel & { readonly deleted: readonly string[]; readonly kept: readonly string[] };

/**
 * Removes a kernel, and then its tree, or the configuration that is kept of one without a tree, where that is ours and no other
 * kernel's. An imported tree is only linked to: the links go.
 * Errors: those of `removeKernel`; locked, while a build or a proof is at work in the tree. Then everything stays.
 */
export async function removeKernelAndTree(options: RemoveKernelOptions): Promise<KernelRemoval> {
  const { store, name, withLivepatches, by, clock } = options;
  const { id, treeDirectory } = await needKernel(store.db, name);
  const remove = async (): Promise<KernelRemoval> => {
    const removed = await removeKernel(store.db, id, { withLivepatches, by, at: clock.now() });
    const { deleted, kept } = await deleteFiles(removed, options.trees);
    for (const { directory } of removed.livepatches) {
      await rm(directory, { recursive: true, force: true });
      await rm(`${directory}.log`, { force: true });
    }
    return { ...removed, deleted, kept };
  };
  if (treeDirectory === '' || !(await exists(treeDirectory))) return remove();
  return withLock(join(treeDirectory, 'build.lock'), LOCK_WAIT_MS, remove);
}

async function deleteFiles(
  { kernel, shared, sharesConfig }: RemovedKernel,
  trees: string,
): Promise<Pick<KernelRemoval, 'deleted' | 'kept'>> {
  const config = configOf(kernel, trees);
  const used = sharesConfig && config !== null ? [...shared, config] : shared;
  const deleted: string[] = [];
  const kept: string[] = [];
  for (const path of [...foldersOf(kernel), ...(config === null ? [] : [config])]) {
    if (!(await exists(path))) continue;
    if (used.includes(path) || !(path === config || isOurs(path, kernel, trees))) {
      kept.push(path);
      continue;
    }
    // At once, and then at leisure: half a tree must never be found again as one.
    const away = join(dirname(path), `.removed-${randomUUID()}`);
    await rename(path, away);
    await rm(away, { recursive: true, force: true });
    deleted.push(path);
  }
  return { deleted, kept };
}

/** Where the configuration of a kernel without a tree is kept; null: it is in its tree, or not known. */
function configOf({ treeDirectory, configSha256 }: KernelRow, trees: string): string | null {
  return treeDirectory === '' && configSha256 !== '' ? keptConfig(trees, configSha256) : null;
}

function foldersOf({ treeDirectory, sourceDirectory }: KernelRow): string[] {
  const named = [treeDirectory, sourceDirectory].filter((path): path is string => path !== null && path !== '');
  return [...new Set(named)];
}

/** Trees lie in the folder of all trees, and sources that were unpacked for an import as `source-…` beside them. */
function isOurs(path: string, { treeDirectory }: KernelRow, trees: string): boolean {
  return dirname(path) === resolve(trees) && (path === treeDirectory || basename(path).startsWith('source-'));
}
