import { type Spans, WHOLE } from './cohort.ts';
import type { BuildId } from './kernel.ts';
import type { PaceFloors } from './release-terms.ts';
import type { MaintenanceWindow } from './window.ts';

/** A step of a ring: this many percent of it, then so long without trouble. */
export interface RolloutStep {
  readonly percent: number;
  readonly soakSeconds: number;
}

/** A ring is a label of the host's own configuration; the server never says which one a host is in. */
export interface RolloutRing {
  readonly name: string;
  /** Rising; the last is 100. */
  readonly steps: readonly RolloutStep[];
  /** Percent of the ring that stay without the release until the rest is judged against them; 0: no control group. */
  readonly control: number;
}

/**
 * No more than so many hosts with the same value of a label (rack, cluster, quorum) are touched or out at a time: `hosts`, or
 * `percent` of those known, rounded down, at least one. `{label: "quorum", hosts: 1}`: never two members of one group.
 */
export type BlastCap =
  | { readonly label: string; readonly hosts: number }
  | { readonly label: string; readonly percent: number };

export interface RolloutThresholds {
  /** Percent of the reachable hosts of a step that must have accepted before its soak counts. */
  readonly success: number;
  /** Failed hosts, since the last resume, that halt the rollout. */
  readonly errorHosts: number;
  /** Percent of failed among the started hosts that halts it, once there are `sample` of them. */
  readonly errorPercent: number;
  /** Hosts that must have accepted, and controls that must have answered, before anything is concluded. */
  readonly sample: number;
  /** Percentage points of bad health above the control group that halt it. */
  readonly worsePercent: number;
}

export interface RolloutPolicy {
  readonly version: 1;
  readonly rings: readonly RolloutRing[];
  readonly thresholds: RolloutThresholds;
  readonly caps: readonly BlastCap[];
  /** Hosts of the whole fleet in flight at a time; null: no such cap. */
  readonly mostInFlight: number | null;
  readonly windows: readonly MaintenanceWindow[];
  /** How long a host watches a load before it accepts it; never less than the least soak of the floors. */
  readonly watchSeconds: number;
  /** A host that began to load and says nothing for so long has failed. */
  readonly deadManSeconds: number;
  /** A host that says nothing for so long cannot be counted on. */
  readonly silentSeconds: number;
  /** Time within windows after which a step without a conclusion pauses the rollout. */
  readonly patienceSeconds: number;
  /** A host starts within this time after it asked for the rollout file, or asks again. */
  readonly startWithinSeconds: number;
  /** What hosts do that are between load and acceptance when it halts. */
  readonly onHalt: 'finish' | 'revert';
}

/** `PaceFloors` as the planner counts: neither the online key nor a policy goes below. */
export interface Pace {
  readonly leastSoakSeconds: number;
  /** Largest share of a ring that one step adds, in hundredths of a percent. */
  readonly largestShare: number;
}

/** Floors as they are signed, in the planner's measure. */
export function paceOf({ leastSoakSeconds, largestSharePercent }: PaceFloors): Pace {
  return { leastSoakSeconds, largestShare: largestSharePercent * 100 };
}

export interface RolloutRelease {
  readonly buildId: BuildId;
  readonly number: number;
  readonly sha256: string;
}

/** `done`: every ring is open; it is watched on, and late joiners get it. */
export const rolloutPhases = ['draft', 'running', 'paused', 'halted', 'recalled', 'done'] as const;
export type RolloutPhase = (typeof rolloutPhases)[number];

/** Why a rollout does not go on. Closed: docs/reference/rollout.md has a row for each. */
export const stopCodes = [
  'asked',
  'inconclusive',
  'restored',
  'error-hosts',
  'error-percent',
  'worse-than-control',
  'superseded',
] as const;
export type StopCode = (typeof stopCodes)[number];

export type FailureKind = 'report' | 'revert' | 'quarantine' | 'stall' | 'dead';

/** A host that failed, kept whatever it says later. */
export interface HostFailure {
  readonly host: string;
  readonly kind: FailureKind;
  readonly what: string;
}

export interface RingOpening {
  readonly ring: string;
  readonly open: Spans;
}

/** What the planner remembers of a rollout from one round to the next. */
export interface RolloutState {
  readonly phase: RolloutPhase;
  readonly stop: { readonly code: StopCode; readonly why: string } | null;
  /** Index of the ring that is being opened, and its share in hundredths of a percent. */
  readonly ring: number;
  readonly share: number;
  /** Watched time of this step: healthy, and within windows. */
  readonly soakedMs: number;
  readonly openMs: number;
  /** Enough hosts had accepted in the last round. */
  readonly reached: boolean;
  /** All time that a controller watched: the clock of everything that must not depend on the wall's. */
  readonly watchedMs: number;
  /** Hosts of the ring that wait for others which cannot be reached. */
  readonly stuck: number;
  /** A person went past "inconclusive" at this step. */
  readonly waived: boolean;
  readonly expedited: { readonly by: readonly [string, string]; readonly reason: string } | null;
  readonly failures: readonly HostFailure[];
  /** Failures that a person had before them when they resumed. */
  readonly acknowledged: number;
  readonly open: readonly RingOpening[];
  /** Openings that were closed; a host may have read them just before. */
  readonly closing: readonly (RingOpening & { readonly untilMs: number })[];
  /** Hosts that a person holds back. */
  readonly held: readonly string[];
}

export interface Rollout {
  readonly id: string;
  readonly release: RolloutRelease;
  readonly policy: RolloutPolicy;
  readonly floors: Pace;
  readonly state: RolloutState;
}

export type RolloutCommand = { readonly rollout: string; readonly by: string; readonly reason: string } & (
  | { readonly do: 'start' | 'pause' | 'halt' | 'recall' }
  /** `failures`: how many the person saw; `inconclusive`: go past a step that proves nothing. */
  | { readonly do: 'resume'; readonly failures: number; readonly inconclusive: boolean }
  | { readonly do: 'expedite'; readonly second: string }
  | { readonly do: 'hold' | 'unhold'; readonly host: string }
);

/** Where a host says it stands with a release. */
export const hostStandings = [
  'loading',
  'transitioning',
  'stalled',
  'soaking',
  'accepted',
  'reverted',
  'quarantined',
] as const;
export type HostStanding = (typeof hostStandings)[number];

/** The newest that is known of a host. Any part may be a lie; nothing here makes another host start. */
export interface HostObservation {
  readonly id: string;
  readonly buildId: string;
  readonly ring: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** The release it is at; null: none. */
  readonly current: { readonly number: number; readonly sha256: string; readonly standing: HostStanding } | null;
  /** Releases that failed on it. */
  readonly failed: readonly string[];
  /** Keys of kernel reports that its baseline has not. */
  readonly reports: readonly string[];
  /** With or without the release: alarms, trouble of its kernel; unknown: it did not say. */
  readonly health: 'good' | 'bad' | 'unknown';
  /** Its own file or kernel command line keeps it from starting on anything. */
  readonly refuses: boolean;
  /** It was seen to lie, or two machines speak in its name: nothing good that it says is believed. */
  readonly doubted: boolean;
  /** Time since its last word, by a clock that only goes forward. */
  readonly silentMs: number;
}

export const stepKinds = [
  'command',
  'refuse',
  'fence',
  'halt',
  'pause',
  'recall',
  'open',
  'close',
  'advance',
  'wait',
  'finish',
] as const;

/** One line of a plan: what is done, why, and from which facts. All of them are for people; nothing reads them back. */
export interface PlanStep {
  readonly rollout: string;
  readonly do: (typeof stepKinds)[number];
  readonly what: string;
  readonly why: string;
  readonly evidence: readonly string[];
}

/** A rollout that nobody has started. */
export function draftState(): RolloutState {
  return {
    phase: 'draft',
    stop: null,
    ring: 0,
    share: 0,
    soakedMs: 0,
    openMs: 0,
    reached: false,
    watchedMs: 0,
    stuck: 0,
    waived: false,
    expedited: null,
    failures: [],
    acknowledged: 0,
    open: [],
    closing: [],
    held: [],
  };
}

/** How far a rollout is open: every ring before `ring` wholly, this one to `share` hundredths of a percent. */
export interface RolloutStage {
  readonly ring: number;
  readonly share: number;
}

/** How much of a ring may be open at this stage, in hundredths of a percent. */
export function shareOfRing(stage: RolloutStage, ring: number): number {
  return ring < stage.ring ? WHOLE : ring === stage.ring ? stage.share : 0;
}
