import type { Clock } from '#host';
import { type KeyRole, keyRoles, lifetimeDays } from './metadata.ts';
import { type ArchiveState, authorityOf, binNames, readRole, readState } from './state.ts';

const DAY_MS = 86_400_000;
/** A person has to be found for an offline key: that takes weeks. */
const OFFLINE_NOTICE_DAYS = 30;

export type Urgency = 'fine' | 'due' | 'expired';

/** When the signature of a role ends; of the bins, the first one that does. */
export interface Expiry {
  readonly role: string;
  readonly expires: string;
  readonly secondsLeft: number;
  /** `due`: a refresh, or for an offline role a person, should have signed it anew by now. */
  readonly urgency: Urgency;
  /** Who signs it anew. */
  readonly by: KeyRole;
  readonly threshold: number;
  readonly keys: number;
}

export interface ArchiveStatus {
  readonly worst: Urgency;
  readonly roles: readonly Expiry[];
}

/** The countdowns of an archive, the most urgent first. Errors: archive-missing, archive-broken. */
export async function archiveStatus(directory: string, clock: Clock): Promise<ArchiveStatus> {
  const state = await readState(directory);
  const now = clock.now().getTime();
  const rows = await expiries(state);
  const roles = rows
    .map(({ role, by, expires }) => {
      const { keyids, threshold } = authorityOf(state, by);
      const secondsLeft = Math.floor((Date.parse(expires) - now) / 1000);
      return { role, expires, secondsLeft, urgency: urgencyOf(by, secondsLeft), by, threshold, keys: keyids.length };
    })
    .toSorted((a, b) => a.secondsLeft - b.secondsLeft);
  const worst = (['expired', 'due'] as const).find((one) => roles.some(({ urgency }) => urgency === one)) ?? 'fine';
  return { worst, roles };
}

async function expiries(state: ArchiveState): Promise<{ role: string; by: KeyRole; expires: string }[]> {
  const bins: string[] = [];
  for (const bin of binNames(state.bins)) bins.push((await readRole(state, bin)).signed.expires);
  const rollout = await readRole(state, 'rollout');
  const of = { ...state, rollout };
  return [
    ...keyRoles.map((role) => ({ role, by: role, expires: of[role].signed.expires })),
    { role: `modules (first of ${bins.length} bins)`, by: 'modules', expires: bins.toSorted()[0]! },
  ];
}

/** A refresh signs at half the time; so at a third it has not run, or lacks the key. */
function urgencyOf(by: KeyRole, secondsLeft: number): Urgency {
  if (secondsLeft <= 0) return 'expired';
  const isOffline = by === 'root' || by === 'targets';
  const notice = isOffline ? OFFLINE_NOTICE_DAYS * DAY_MS : (lifetimeDays[by] * DAY_MS) / 3;
  return secondsLeft * 1000 < notice ? 'due' : 'fine';
}
