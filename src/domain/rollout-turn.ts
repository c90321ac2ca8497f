import { boundOf, isWithin, positionOf, WHOLE } from './cohort.ts';
import type { Pace } from './rollout.ts';
import type { RolloutEntry, RolloutFile } from './rollout-file.ts';
import { isInWindows } from './window.ts';

/** What a host knows of itself when it asks whether it is its turn. */
export interface TurnHost {
  readonly id: string;
  /** From the host's own configuration. */
  readonly ring: string | null;
  /** Serial of the first rollout file that the server made with this host and its labels in mind; null: never told. */
  readonly counted: number | null;
  /** Greatest serial it has seen for its kernel; 0: none. */
  readonly seenSerial: number;
  /** How long it has known this release by its own monotonic clock, all boots together. */
  readonly knownMs: number;
  /** Modules (sha256) that failed on it. */
  readonly failed: readonly string[];
  /** Only for windows, which are for people. */
  readonly now: Date;
}

/** Why a host waits. */
export type WaitCode =
  | 'other-kernel'
  | 'stale-file'
  | 'no-rollout'
  | 'failed-here'
  | 'paused'
  | 'halted'
  | 'not-in-ring'
  | 'not-counted'
  | 'floor'
  | 'window'
  | 'not-yet';

export type Turn =
  | {
      readonly go: true;
      readonly rollout: string;
      /** How long to watch before accepting. */
      readonly soakSeconds: number;
      /** Begin within this time after the file was asked for, by the monotonic clock; else ask again. */
      readonly startWithinSeconds: number;
    }
  | { readonly go: false; readonly code: WaitCode; readonly why: string; readonly revert: boolean };

/** The release that the release role signed for this host's kernel. */
export interface TurnRelease {
  readonly buildId: string;
  readonly number: number;
  readonly sha256: string;
}

/**
 * Is it this host's turn to start on a release? From signed data and the host's own alone: no answer of the server makes a host start.
 * `revert`: a load of this release that is not accepted yet is taken back.
 */
export function turn(host: TurnHost, file: RolloutFile, release: TurnRelease, floors: Pace): Turn {
  if (file.buildId !== release.buildId) return wait('other-kernel', 'the rollout file is of another kernel');
  if (file.serial < host.seenSerial)
    return wait('stale-file', `the rollout file has serial ${file.serial}, and this host has seen ${host.seenSerial}`);
  const entry = file.rollouts.find(({ number, sha256 }) => number === release.number && sha256 === release.sha256);
  if (entry === undefined) return wait('no-rollout', `no rollout of release ${release.number}`);
  if (host.failed.includes(release.sha256)) return wait('failed-here', 'the release failed on this host');
  if (entry.state === 'halted')
    return { ...wait('halted', 'the rollout is halted'), revert: entry.onHalt === 'revert' };
  if (entry.state === 'paused') return wait('paused', 'the rollout is paused');
  return turnOf(host, file, entry, floors);
}

function turnOf(host: TurnHost, file: RolloutFile, entry: RolloutEntry, floors: Pace): Turn {
  const ring = entry.rings.find(({ name }) => name === host.ring);
  if (ring === undefined) return wait('not-in-ring', `the rollout has no ring "${host.ring ?? ''}"`);
  if (entry.counted && (host.counted === null || host.counted > file.serial))
    return wait('not-counted', 'the server has not counted this host and its labels yet');
  const position = positionOf(entry.sha256, host.id);
  const floorMs = floorOf(position, floors);
  if (host.knownMs < floorMs)
    return wait('floor', `the signed floors allow it ${Math.ceil((floorMs - host.knownMs) / 1000)} s from now`);
  if (!isInWindows(entry.windows, host.now)) return wait('window', 'it is outside the maintenance windows');
  if (!isWithin(ring.open, position)) return wait('not-yet', 'others of its ring come first');
  const soakSeconds = Math.max(entry.soakSeconds, floors.leastSoakSeconds);
  return { go: true, rollout: entry.id, soakSeconds, startWithinSeconds: entry.startWithinSeconds };
}

/**
 * The floors as a host enforces them by itself: positions fall into steps of the largest share, and each step waits one least soak
 * longer after the host first knew the release. A stolen online key can hurry no further than this.
 */
export function floorOf(position: number, { leastSoakSeconds, largestShare }: Pace): number {
  if (largestShare >= WHOLE) return 0;
  return Math.floor(position / boundOf(Math.max(1, largestShare))) * leastSoakSeconds * 1000;
}

function wait(code: WaitCode, why: string): Extract<Turn, { go: false }> {
  return { go: false, code, why, revert: false };
}
