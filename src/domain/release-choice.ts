import { positionOf } from './cohort.ts';
import type { IndexedRelease, ReleaseIndex } from './livepatch.ts';
import { NO_FLOORS } from './release-terms.ts';
import { paceOf } from './rollout.ts';
import type { RolloutFile } from './rollout-file.ts';
import { floorOf, type TurnHost, turn, type WaitCode } from './rollout-turn.ts';

/** What a host knows by itself. */
export interface HostMemory {
  /** The highest number that was ever accepted here, or is on; 0: none. */
  readonly newest: number;
  /** Numbers that were recalled once: for good, whatever the archive says later. */
  readonly recalled: readonly number[];
  /** It goes only where a rollout lets it: between the publishing of a release and its rollout nobody has. */
  readonly follows: boolean;
  /** This host, as it asks for its turn with a release. */
  readonly asks: (release: IndexedRelease) => TurnHost;
}

export type ReleaseChoice =
  | {
      readonly step: 'load';
      readonly release: IndexedRelease;
      readonly soakSeconds: number;
      /** Begin within this time after the archive was asked; null: whenever. */
      readonly startWithinSeconds: number | null;
    }
  | {
      readonly step: 'none';
      readonly code: WaitCode | 'none' | 'not-newer';
      readonly why: string;
      /** A load of it that is not accepted yet is taken back. */
      readonly revert: boolean;
    };

/**
 * The release a host goes to: one that release keys list and have not recalled, not below what it had unless that was recalled, not
 * before its turn. `file`: what the online key says; null: it says nothing of this kernel. Without it, as against it, the floors hold.
 */
export function chooseRelease(index: ReleaseIndex, file: RolloutFile | null, host: HostMemory): ReleaseChoice {
  const recalled = new Set([...host.recalled, ...(index.recalls ?? []).map(({ number }) => number)]);
  const standing = index.releases.filter(({ number }) => !recalled.has(number)).toSorted((a, b) => b.number - a.number);
  const named = (release: IndexedRelease): boolean =>
    file === null || file.rollouts.some(({ number, sha256 }) => number === release.number && sha256 === release.sha256);
  if (file !== null && file.buildId !== index.buildId)
    return none('other-kernel', 'the rollout file is of another kernel');
  const release = standing.find(named);
  if (release === undefined)
    return standing.length === 0
      ? none('none', 'there is no release')
      : none('no-rollout', 'no release that stands is rolled out yet');
  if (release.number < host.newest && !recalled.has(host.newest))
    return none('not-newer', `release ${host.newest} was here, and nobody recalled it`);
  if (file !== null) return inTurn(index, file, release, host.asks(release));
  return host.follows ? none('no-rollout', 'nothing is rolled out yet') : freely(index, release, host.asks(release));
}

/** Nobody rolls it out: as fast as the floors allow. */
function freely({ floors = NO_FLOORS }: ReleaseIndex, release: IndexedRelease, host: TurnHost): ReleaseChoice {
  if (host.seenSerial > 0) return none('stale-file', 'the rollout file that this host has seen is gone');
  const waitMs = floorOf(positionOf(release.sha256, host.id), paceOf(floors)) - host.knownMs;
  if (waitMs > 0) return none('floor', `the signed floors allow it ${Math.ceil(waitMs / 1000)} s from now`);
  return { step: 'load', release, soakSeconds: floors.leastSoakSeconds, startWithinSeconds: null };
}

function inTurn(
  { floors = NO_FLOORS }: ReleaseIndex,
  file: RolloutFile,
  release: IndexedRelease,
  host: TurnHost,
): ReleaseChoice {
  const found = turn(host, file, release, paceOf(floors));
  if (!found.go) return { ...none(found.code, found.why), revert: found.revert };
  const { soakSeconds, startWithinSeconds } = found;
  return { step: 'load', release, soakSeconds, startWithinSeconds };
}

function none(
  code: Extract<ReleaseChoice, { step: 'none' }>['code'],
  why: string,
): Extract<ReleaseChoice, { step: 'none' }> {
  return { step: 'none', code, why, revert: false };
}
