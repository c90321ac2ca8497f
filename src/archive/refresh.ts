import { hasCode } from '#domain';
import { readLimited } from '#host';
import { adopt } from './adopt.ts';
import { commit, isSigned, nextOf, onlineSigners, requireClock, sealRoles, writeTimestamp } from './commit.ts';
import { type KeyRole, lifetimeDays, type Sealed, type TargetsSigned } from './metadata.ts';
import { type ArchivePlace, Keyring, locked } from './place.ts';
import { type ArchiveState, authorityOf, binNames, metadataPath, readRole, readState } from './state.ts';

const DAY_MS = 86_400_000;
const MAX_SNAPSHOT_BYTES = 32 << 20;

/** What a refresh did. */
export interface Refreshed {
  /** Roles whose next version lay there, signed and not listed yet: of a publication on another machine, or one that was cut off. */
  readonly adopted: readonly string[];
  /** Roles that were signed anew because half of their time was over. */
  readonly renewed: readonly string[];
  /** What could not be renewed although it is half over, and why: its key is locked, or its program does not sign. The rest is done. */
  readonly skipped: readonly { readonly role: string; readonly why: string }[];
  readonly snapshot: boolean;
}

/**
 * Keeps an archive without news from expiring: always a new timestamp; a new snapshot when there is something to list or half of its
 * time is over; bins, `modules` and `rollout` at half their time, where their keys are at hand. Errors: clock-behind, key-missing, key-mismatch.
 */
export async function refreshArchive(place: ArchivePlace): Promise<Refreshed> {
  return locked(place, async () => {
    const before = await readState(place.directory);
    const keyring = await Keyring.of(place);
    const now = place.clock.now();
    requireClock(before, now);
    const signers = await onlineSigners(before, keyring);
    const { state, roles: adopted } = await adopt(before);
    const { edits, skipped } = await renew(state, keyring, now);
    const renewed = [...edits.keys()];
    const old =
      isHalfOver('snapshot', before.snapshot.signed.expires, now) ||
      !isSigned(before.snapshot, authorityOf(state, 'snapshot'));
    if (edits.size > 0 || adopted.length > 0 || old) {
      await commit(state, edits, signers, now);
      return { adopted, renewed, skipped, snapshot: true };
    }
    const { version } = before.snapshot.signed;
    const bytes = await readLimited(metadataPath(place.directory, `${version}.snapshot.json`), MAX_SNAPSHOT_BYTES);
    const next = { version: before.timestamp.signed.version + 1 };
    await writeTimestamp(place.directory, next, { version, bytes }, signers.timestamp, now);
    return { adopted, renewed, skipped, snapshot: false };
  });
}

function isHalfOver(role: KeyRole, expires: string, now: Date): boolean {
  return Date.parse(expires) - now.getTime() < (lifetimeDays[role] * DAY_MS) / 2;
}

interface Renewal {
  readonly edits: Map<string, Sealed<TargetsSigned>>;
  readonly skipped: { role: string; why: string }[];
}

/** Signs anew what is half over and whose keys are here; the others stand in `archiveStatus`. One that fails must not let the rest expire. */
async function renew(state: ArchiveState, keyring: Keyring, now: Date): Promise<Renewal> {
  const edits = new Map<string, Sealed<TargetsSigned>>();
  const skipped: Renewal['skipped'] = [];
  const groups = [
    { kind: 'rollout', roles: ['rollout'] },
    { kind: 'modules', roles: [...binNames(state.bins), 'modules'] },
  ] as const;
  for (const { kind, roles } of groups) {
    const keys = authorityOf(state, kind);
    if (!keyring.has(keys)) continue;
    const due = new Map<string, TargetsSigned>();
    for (const role of roles) {
      const { signed } = await readRole(state, role);
      if (isHalfOver(kind, signed.expires, now)) due.set(role, nextOf(signed, now, kind));
    }
    if (due.size === 0) continue;
    try {
      for (const [role, sealed] of await sealRoles(due, await keyring.need(kind, keys))) edits.set(role, sealed);
    } catch (error) {
      if (!hasCode(error, 'key-locked', 'signer-failed')) throw error;
      skipped.push({ role: kind, why: error.message });
    }
  }
  return { edits, skipped };
}
