import { exists } from '#host';
import { isSigned } from './commit.ts';
import type { Sealed, TargetsSigned } from './metadata.ts';
import { type ArchiveState, authorityOf, binNames, metadataPath, readMetadata } from './state.ts';

/** An archive with what lies there signed and not listed yet; the next snapshot lists it. */
export interface Adopted {
  readonly state: ArchiveState;
  /** Roles of which the next version was taken up. */
  readonly roles: readonly string[];
}

/**
 * Takes up the next version of each role, where it lies there and its keys have signed it: of a publication on another machine, or of one
 * that was cut off. In the order of delegation, so that who signs is known first; a publication writes its index last, so one that is
 * listed is whole. Errors: archive-broken.
 */
export async function adopt(state: ArchiveState): Promise<Adopted> {
  let current = state;
  const roles: string[] = [];
  for (const role of ['targets', 'rollout', 'modules', ...binNames(state.bins)]) {
    const version = (state.snapshot.signed.meta[`${role}.json`]?.version ?? 0) + 1;
    const name = `${version}.${role}.json`;
    if (!(await exists(metadataPath(state.directory, name)))) continue;
    const next = await readMetadata<TargetsSigned>(state.directory, name);
    if (next.signed.version !== version || !isSigned(next, authorityOf(current, role))) continue;
    roles.push(role);
    current = listing(current, role, next);
  }
  return { state: current, roles };
}

function listing(state: ArchiveState, role: string, next: Sealed<TargetsSigned>): ArchiveState {
  const { snapshot } = state;
  const meta = { ...snapshot.signed.meta, [`${role}.json`]: { version: next.signed.version } };
  const listed = { ...state, snapshot: { ...snapshot, signed: { ...snapshot.signed, meta } } };
  return role === 'targets' || role === 'modules' ? { ...listed, [role]: next } : listed;
}
