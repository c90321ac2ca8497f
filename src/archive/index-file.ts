import { type BuildId, indexPath, parseReleaseIndex, type ReleaseIndex } from '#domain';
import { adopt } from './adopt.ts';
import { baseOf, type PendingChange, pendingChange, signPending } from './ceremony/pending.ts';
import { commit, editBins, type NewTarget, onlineSigners, requireClock, sealRoles, writeTargets } from './commit.ts';
import { ArchiveError } from './error.ts';
import { type ArchivePlace, Keyring, locked } from './place.ts';
import { type ArchiveState, authorityOf, readState, readTarget } from './state.ts';

/** Hosts read no more. */
const MAX_INDEX_BYTES = 4 << 20;

/** What a change of releases or terms came to: it is published, or it waits for the signatures of others. */
export type Published<T> = { readonly result: T; readonly pending: PendingChange | null };

export function json(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value, null, 1)}\n`);
}

/** Errors: archive-broken. */
export async function readIndex(state: ArchiveState, buildId: BuildId): Promise<ReleaseIndex | undefined> {
  const content = await readTarget(state, indexPath(buildId));
  if (content === undefined) return undefined;
  const index = parseReleaseIndex(content.toString('utf8'));
  if (index !== undefined) return index;
  throw new ArchiveError('archive-broken', 'input', {
    what: `the index of build-id ${buildId.slice(0, 12)} is not in its form`,
    where: state.directory,
    remedy: 'restore the archive from a copy',
  });
}

/** Errors: not-published. */
export async function needIndex(state: ArchiveState, buildId: BuildId): Promise<ReleaseIndex> {
  const index = await readIndex(state, buildId);
  if (index !== undefined) return index;
  throw new ArchiveError('not-published', 'input', {
    what: `the archive does not serve build-id ${buildId.slice(0, 12)}`,
    where: state.directory,
    remedy: 'open its index with "tuxtape archive subscribe"',
  });
}

/**
 * Changes what release keys say of one kernel: `edit` is given its index (undefined: there is none yet) and gives the new one, with the
 * files that go with it. With `propose` nothing is published: the bins are signed by the keys at hand, and given back for the others.
 */
export async function editIndex<T>(
  place: ArchivePlace,
  buildId: BuildId,
  propose: boolean,
  edit: (index: ReleaseIndex | undefined, now: Date) => { index: ReleaseIndex; files: readonly NewTarget[]; result: T },
): Promise<Published<T>> {
  return locked(place, async () => {
    const { state } = await adopt(await readState(place.directory));
    const keyring = await Keyring.of(place);
    const now = place.clock.now();
    requireClock(state, now);
    const { index, files, result } = edit(await readIndex(state, buildId), now);
    requireForm(index);
    const keys = authorityOf(state, 'modules');
    // Asked for first: where a key is missing, nothing is written.
    const signers = propose
      ? null
      : { modules: await keyring.need('modules', keys), ...(await onlineSigners(state, keyring)) };
    const entries = await writeTargets(place.directory, [...files, { path: indexPath(buildId), content: json(index) }]);
    const bins = await editBins(state, entries, now);
    if (signers !== null) {
      await commit(state, await sealRoles(bins, signers.modules), signers, now);
      return { result, pending: null };
    }
    const documents = [...bins].map(([role, signed]) => ({ role, sealed: { signatures: [], signed } }));
    const { change } = await signPending(pendingChange(baseOf(state), documents, now), keyring);
    return { result, pending: change };
  });
}

/** What hosts would not read is not signed. Errors: terms-invalid. */
function requireForm(index: ReleaseIndex): void {
  const text = json(index).toString('utf8');
  if (text.length <= MAX_INDEX_BYTES && parseReleaseIndex(text) !== undefined) return;
  throw new ArchiveError('terms-invalid', 'input', {
    what: 'the index would not be one that hosts read: it is too long, or a text, number or name in it is out of bounds',
    where: index.buildId,
  });
}
