import { join } from 'node:path';
import { indexPath, parseReleaseIndex, parseRolloutFile, type ReleaseIndex, type RolloutFile } from '#domain';
import { readLimited } from '#host';
import { binNames, listTargets, readState, targetFile } from './state.ts';

export interface ArchiveView {
  readonly timestampExpires: string;
  readonly snapshotExpires: string;
  readonly bins: number;
  readonly targets: number;
  readonly kernels: readonly ReleaseIndex[];
  /** What the online key says, by build-id. */
  readonly rollouts: readonly RolloutFile[];
}

/** What is in the archive, for people. Errors: archive-missing, archive-broken. */
export async function showArchive(directory: string): Promise<ArchiveView> {
  const state = await readState(directory);
  const targets = await listTargets(state);
  const kernels: ReleaseIndex[] = [];
  const rollouts: RolloutFile[] = [];
  for (const [path, entry] of [...targets].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const [folder] = path.split('/');
    if (folder !== 'index' && folder !== 'rollout') continue;
    const text = (await readLimited(join(directory, targetFile(path, entry)), entry.length)).toString('utf8');
    const index = folder === 'index' ? parseReleaseIndex(text) : undefined;
    const choice = folder === 'rollout' ? parseRolloutFile(text) : undefined;
    if (index !== undefined && path === indexPath(index.buildId)) kernels.push(index);
    if (choice !== undefined) rollouts.push(choice);
  }
  return {
    timestampExpires: state.timestamp.signed.expires,
    snapshotExpires: state.snapshot.signed.expires,
    bins: binNames(state.bins).length,
    targets: targets.size,
    kernels,
    rollouts,
  };
}
