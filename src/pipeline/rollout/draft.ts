import { showArchive } from '#archive';
import { type IndexedRelease, type Pace, paceOf, type RolloutPolicy } from '#domain';
import type { Clock } from '#host';
import { addRollout, findKernel, type Store, StoreError } from '#store';

export interface DraftOptions {
  readonly store: Pick<Store, 'db'>;
  /** The archive that the release is in. */
  readonly archive: string;
  /** Name, id or build-id; a build-id that is only in the archive will do. */
  readonly kernel: string;
  /** Null: the newest. */
  readonly number: number | null;
  readonly policy: RolloutPolicy;
  /** Where the archive's release keys signed none. */
  readonly floors: Pace;
  readonly by: string;
  readonly clock: Clock;
}

/** Makes a draft for a release that is in the archive. Errors: not-found, already-there, those of the archive. */
export async function draftRollout(
  options: DraftOptions,
): Promise<{ id: string; release: IndexedRelease; floors: Pace }> {
  const { store, archive, kernel, number, policy, floors, by, clock } = options;
  const buildId = (await findKernel(store.db, kernel))?.buildId ?? kernel;
  const index = (await showArchive(archive)).kernels.find((one) => one.buildId === buildId);
  const releases = (index?.releases ?? []).toSorted((a, b) => b.number - a.number);
  const release = number === null ? releases[0] : releases.find((one) => one.number === number);
  if (release === undefined)
    throw new StoreError('not-found', 'input', {
      what: index === undefined ? 'the archive has no such kernel' : 'the archive has no such release of this kernel',
      where: number === null ? kernel : `${kernel}, release ${number}`,
      remedy: '"tuxtape archive show" lists what is in it',
    });
  const signed = index?.floors === undefined ? floors : paceOf(index.floors);
  const id = await addRollout(store.db, { release, policy, floors: signed, by, at: clock.now() });
  return { id, release, floors: signed };
}
