import type { AgentState, BuildId, CveId, PatchedFunction } from '#domain';

/** What a release is loaded for: something newer, the accepted one after a boot, or the accepted one over a bad one. */
export const purposes = ['update', 'restore', 'fallback'] as const;

export type Purpose = (typeof purposes)[number];

export interface ReleaseRef {
  readonly buildId: BuildId;
  readonly number: number;
  readonly moduleName: string;
  readonly sha256: string;
  readonly length: number;
  /** Target path in the archive. */
  readonly path: string;
  readonly cves: readonly CveId[];
  readonly functions: readonly PatchedFunction[];
}

/** A release that this host will not load again, and why. */
export interface FailedRelease {
  readonly sha256: string;
  readonly number: number;
  readonly moduleName: string;
  readonly how: 'reverted' | 'quarantined';
  readonly why: string;
  /** Keys of the reports it was taken back for: they never count as this host's own. */
  readonly reports: readonly string[];
}

/** A recall that this host has seen: it holds for good, whatever the archive says later. */
export interface KnownRecall {
  readonly buildId: BuildId;
  readonly number: number;
  readonly reason: string;
}

/** The highest number that was ever loaded here of a kernel: nothing below it is taken, unless it was recalled. */
export interface Newest {
  readonly buildId: BuildId;
  readonly number: number;
}

/** Counts boots, never seconds: a host that crashes at once and one that crashes after an hour are both caught. */
export interface BootGuard {
  /** Boots in a row that did not end in an orderly way, after a load in them and before they had settled. */
  readonly unclean: number;
  /** A module of ours was loaded in the boot of the journal. */
  readonly loaded: boolean;
  /** Runs of this boot, since its last load, that found an accepted release at work. */
  readonly polls: number;
}

/** What the archive last said, by the wall clock: for people only. */
export interface Contact {
  readonly last: string | null;
  readonly expires: string | null;
  /** Since when it cannot be reached or believed; null: it can. */
  readonly failingSince: string | null;
  readonly error: { readonly code: string; readonly what: string } | null;
}

/** What survives a power cut: written and synced before each step that touches the kernel. */
export interface Journal {
  readonly version: 2;
  readonly state: AgentState;
  /** What the state is about. */
  readonly release: ReleaseRef | null;
  readonly purpose: Purpose;
  /** Boot that the state belongs to (/proc/sys/kernel/random/boot_id). */
  readonly bootId: string;
  /** Seconds since boot at which the state was entered. */
  readonly since: number;
  /** Loads that were begun and left no trace in the kernel. */
  readonly attempts: { readonly sha256: string; readonly count: number } | null;
  /** Keys of the reports that this boot had before the release was loaded: no fault of it. */
  readonly baseline: readonly string[];
  /** Releases that were healthy through their soak here, the newest last. */
  readonly accepted: readonly ReleaseRef[];
  readonly failed: readonly FailedRelease[];
  readonly recalled: readonly KnownRecall[];
  /** Of the kernel that runs; null: nothing was loaded of it. */
  readonly newest: Newest | null;
  /** Seconds that the release at work is watched at least, by who signed it. */
  readonly leastSoak: number;
  readonly guard: BootGuard;
  /** What a person has to look at in this boot: the agent could not put it right by itself. */
  readonly alarm: string | null;
  readonly contact: Contact;
  readonly turn: TurnMemory;
}

/** How long this host knows a release, by the clocks of its boots together. */
export interface KnownRelease {
  readonly sha256: string;
  readonly seconds: number;
  /** Boot and seconds since boot up to which it is counted. */
  readonly bootId: string;
  readonly at: number;
}

/** What a host remembers for its turn in rollouts. */
export interface TurnMemory {
  /** Kernel and greatest serial of its rollout file; null: none was seen. */
  readonly seen: { readonly buildId: BuildId; readonly serial: number } | null;
  readonly known: readonly KnownRelease[];
}

export const noTurn: TurnMemory = { seen: null, known: [] };

export const noContact: Contact = { last: null, expires: null, failingSince: null, error: null };

export function emptyJournal(bootId: string): Journal {
  return {
    version: 2,
    state: 'idle',
    release: null,
    purpose: 'update',
    bootId,
    since: 0,
    attempts: null,
    baseline: [],
    accepted: [],
    failed: [],
    recalled: [],
    newest: null,
    leastSoak: 0,
    guard: { unclean: 0, loaded: false, polls: 0 },
    alarm: null,
    contact: noContact,
    turn: noTurn,
  };
}
