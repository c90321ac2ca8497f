import { exists } from '#host';
import { commit, isSigned, nextOf, onlineSigners, requireClock, sealRoles, writeTimestamp } from './commit.ts';
import { bytesOf, type KeyRole, lifetimeDays, type Sealed, type TargetsSigned } from './metadata.ts';
import { type ArchivePlace, Keyring, locked } from './place.ts';
import { type ArchiveState, authorityOf, binNames, metadataPath, readMetadata, readRole, readState } from './state.ts';

const DAY_MS = 86_400_000;

/** What a refresh did. */
export interface Refreshed {
  /** Roles whose next version lay there, signed and not listed yet: of a publication on another machine, or one that was cut off. */
  readonly adopted: readonly string[];
  /** Roles that were signed anew because half of their time was over. */
  readonly renewed: readonly string[];
  readonly snapshot: boolean;
}

/**
 * Keeps an archive without news from expiring: always a new timestamp; a new snapshot when there is something to list or half of its
 * time is over; bins, `modules` and `rollout` at half their time, where their keys are at hand. Errors: clock-behind, key-missing, key-mismatch.
 */
export async function refreshArchive(place: ArchivePlace): Promise<Refreshed> {
  return locked(place, async () => {
    const state = await readState(place.directory);
    const keyring = await Keyring.of(place);
    const now = place.clock.now();
    requireClock(state, now);
    const signers = await onlineSigners(state, keyring);
    const edits = await adopt(state);
    const adopted = [...edits.keys()];
    const current = adopted.length === 0 ? state : withEdits(state, edits);
    const renewed = await renew(current, edits, keyring, now);
    const old =
      isHalfOver('snapshot', state.snapshot.signed.expires, now) ||
      !isSigned(state.snapshot, authorityOf(current, 'snapshot'));
    if (edits.size > 0 || old) {
      await commit(current, edits, signers, now);
      return { adopted, renewed, snapshot: true };
    }
    const bytes = bytesOf(state.snapshot);
    const snapshot = { version: state.snapshot.signed.version, bytes };
    const next = { version: state.timestamp.signed.version + 1 };
    await writeTimestamp(place.directory, next, snapshot, signers.timestamp, now);
    return { adopted, renewed, snapshot: false };
  });
}

function isHalfOver(role: KeyRole, expires: string, now: Date): boolean {
  return Date.parse(expires) - now.getTime() < (lifetimeDays[role] * DAY_MS) / 2;
}

/** The next version of each role, where it lies there and its keys have signed it. In the order of delegation: who signs is known first. */
async function adopt(state: ArchiveState): Promise<Map<string, Sealed<TargetsSigned>>> {
  const found = new Map<string, Sealed<TargetsSigned>>();
  let view = state;
  for (const role of ['targets', 'rollout', 'modules', ...binNames(state.bins)]) {
    const version = state.snapshot.signed.meta[`${role}.json`]!.version + 1;
    const name = `${version}.${role}.json`;
    if (!(await exists(metadataPath(state.directory, name)))) continue;
    const next = await readMetadata<TargetsSigned>(state.directory, name);
    if (next.signed.version !== version || !isSigned(next, authorityOf(view, role))) continue;
    found.set(role, next);
    view = withEdits(view, found);
  }
  return found;
}

function withEdits(state: ArchiveState, edits: ReadonlyMap<string, Sealed<TargetsSigned>>): ArchiveState {
  return {
    ...state,
    targets: edits.get('targets') ?? state.targets,
    modules: edits.get('modules') ?? state.modules,
  };
}

/** Signs anew what is half over and whose keys are here; the others stand in `archiveStatus`. Adds to `edits`. */
async function renew(
  state: ArchiveState,
  edits: Map<string, Sealed<TargetsSigned>>,
  keyring: Keyring,
  now: Date,
): Promise<string[]> {
  const renewed: string[] = [];
  const groups = [
    { kind: 'rollout', roles: ['rollout'] },
    { kind: 'modules', roles: [...binNames(state.bins), 'modules'] },
  ] as const;
  for (const { kind, roles } of groups) {
    const keys = authorityOf(state, kind);
    if (!keyring.has(keys)) continue;
    const due = new Map<string, TargetsSigned>();
    for (const role of roles) {
      const { signed } = edits.get(role) ?? (await readRole(state, role));
      if (isHalfOver(kind, signed.expires, now)) due.set(role, nextOf(signed, now, kind));
    }
    if (due.size === 0) continue;
    for (const [role, sealed] of await sealRoles(due, await keyring.need(kind, keys))) {
      edits.set(role, sealed);
      renewed.push(role);
    }
  }
  return renewed;
}
