import type { CveId } from './cve-id.ts';
import { type BuildId, isBuildId } from './kernel.ts';
import type { IndexedRelease, ReleaseIndex } from './livepatch.ts';
import { isTerm, isWhole, NO_FLOORS, type PaceFloors, type SignedMitigation } from './release-terms.ts';

/**
 * What the online key says of one kernel: which of its releases to go to, and how fast. It can choose, slow and stop; whatever it says,
 * `chooseRelease` takes nothing from it that release keys did not sign.
 */
export interface RolloutChoice {
  readonly version: 1;
  readonly buildId: BuildId;
  /** Rises with each choice, also over a restored backup. */
  readonly serial: number;
  /** Null: the newest. */
  readonly release: number | null;
  /** Why nothing new is loaded; null: it goes on. */
  readonly halted: string | null;
  /** Hosts that may have it by now, per cent. */
  readonly sharePercent: number;
  readonly soakSeconds: number;
}

export function rolloutPath(buildId: BuildId): string {
  return `rollout/${buildId}.json`;
}

/** Undefined when any part is not as `RolloutChoice` says. */
export function parseRolloutChoice(text: string): RolloutChoice | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { version, buildId, serial, release, halted, sharePercent, soakSeconds } = value as Record<string, unknown>;
  const isGood =
    version === 1 &&
    typeof buildId === 'string' &&
    isBuildId(buildId) &&
    isWhole(serial, 1, Number.MAX_SAFE_INTEGER) &&
    (release === null || isWhole(release, 1, Number.MAX_SAFE_INTEGER)) &&
    (halted === null || isTerm(halted)) &&
    isWhole(sharePercent, 0, 100) &&
    isWhole(soakSeconds, 0, 365 * 86_400);
  return isGood ? (value as RolloutChoice) : undefined;
}

/** What a host knows by itself. */
export interface HostMemory {
  /** The highest number that was ever loaded here; 0: none. */
  readonly newest: number;
  /** Numbers that were recalled once: for good, whatever the archive says later. */
  readonly recalled: readonly number[];
  /** Where this host stands in the order of all, from 0 to below 100: a stable hash of the host and the release. */
  readonly cohort: (release: IndexedRelease) => number;
}

export type ReleaseChoice =
  | { readonly step: 'load'; readonly release: IndexedRelease; readonly soakSeconds: number }
  | { readonly step: 'none'; readonly why: string };

/**
 * The release a host goes to: one that release keys list and have not recalled, not below what it had unless that was recalled, not
 * before its turn. `choice`: what the online key says; null: it says nothing. Without it, as against it, the floors hold.
 */
export function chooseRelease(
  index: ReleaseIndex,
  choice: RolloutChoice | null,
  host: HostMemory,
  now: Date,
): ReleaseChoice {
  const recalled = new Set([...host.recalled, ...(index.recalls ?? []).map(({ number }) => number)]);
  const standing = index.releases.filter(({ number }) => !recalled.has(number));
  const chosen = choice?.buildId === index.buildId ? choice : null;
  if (choice !== null && chosen === null) return { step: 'none', why: 'the rollout is of another kernel' };
  if (chosen !== null && chosen.halted !== null)
    return { step: 'none', why: `the rollout is halted: ${chosen.halted}` };
  const wanted = chosen?.release ?? Math.max(0, ...standing.map(({ number }) => number));
  const release = standing.find(({ number }) => number === wanted);
  if (release === undefined)
    return { step: 'none', why: wanted === 0 ? 'there is no release' : `release ${wanted} is not to be had` };
  if (release.number < host.newest && !recalled.has(host.newest))
    return { step: 'none', why: `release ${host.newest} was here, and nobody recalled it` };
  const floors = index.floors ?? NO_FLOORS;
  const share = Math.min(chosen?.sharePercent ?? 100, largestShareAt(floors, release, now));
  if (host.cohort(release) >= share)
    return { step: 'none', why: `release ${release.number} goes to ${share} % of the hosts so far` };
  return { step: 'load', release, soakSeconds: Math.max(floors.leastSoakSeconds, chosen?.soakSeconds ?? 0) };
}

/** How many hosts, per cent, may have a release at this time at most: one step when it is published, one more after each soak. */
export function largestShareAt(
  floors: PaceFloors,
  { publishedAt }: Pick<IndexedRelease, 'publishedAt'>,
  now: Date,
): number {
  const { leastSoakSeconds, largestSharePercent } = floors;
  if (leastSoakSeconds === 0 || largestSharePercent >= 100) return 100;
  const age = publishedAt === undefined ? 0 : Math.max(0, now.getTime() - Date.parse(publishedAt));
  return Math.min(100, largestSharePercent * (1 + Math.floor(age / (leastSoakSeconds * 1000))));
}

/** The mitigations a host has to have now. `cves`: what the release on it fixes. */
export function mitigationsInForce(index: ReleaseIndex, cves: readonly CveId[], now: Date): SignedMitigation[] {
  return (index.mitigations ?? []).filter(({ cve, until }) => !cves.includes(cve) && Date.parse(until) > now.getTime());
}
