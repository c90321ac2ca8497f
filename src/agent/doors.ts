import type { PatchedFunction, ReleaseIndex } from '#domain';
import type { Clock } from '#host';
import type { Journal, Purpose, ReleaseRef } from './journal.ts';
import type { JournalDoor } from './journal-file.ts';
import type { Level } from './level.ts';
import type { LoadedLivepatch, Myself, RolloutView } from './plan/observation.ts';
import type { Refusal } from './precheck/refusal.ts';

/** A task that holds up a transition, or hangs. */
export interface Task {
  readonly pid: number;
  readonly name: string;
  /** Of /proc/PID/stack, innermost first; empty where it cannot be read. */
  readonly stack: readonly string[];
}

/** The running kernel, as far as the agent touches it. */
export interface KernelDoor {
  /** Errors: unknown-kernel. */
  buildId(): Promise<string>;
  release(): Promise<string>;
  bootId(): Promise<string>;
  /** Seconds since boot, sleep included. */
  uptime(): Promise<number>;
  livepatches(): Promise<LoadedLivepatch[]>;
  /** Names of all modules, in whatever state. */
  modules(): Promise<Set<string>>;
  /** Loads exactly these bytes. Errors: load-failed. */
  load(module: Buffer): Promise<void>;
  /** Starts to take a livepatch off, or turns its transition back. One that is gone or off already is no error. */
  disable(name: string): Promise<void>;
  /** Removes a module that does nothing any more; false: the kernel keeps it. */
  remove(name: string): Promise<boolean>;
  /** Tasks that hold up the transition of a livepatch. */
  blockers(name: string): Promise<Task[]>;
  /** Tasks that sleep where no signal wakes them (state D). */
  sleepers(): Promise<Task[]>;
  /** The functions that a loaded livepatch replaces. */
  replaced(name: string): Promise<PatchedFunction[]>;
  /** The kernel log so far, as records of /dev/kmsg. Errors: kernel-log-unreadable. */
  kernelLog(take: (record: Uint8Array) => void): Promise<void>;
}

/** What a contact with the archive gave. */
export interface ArchiveAnswer {
  readonly index: ReleaseIndex | null;
  readonly rollout: RolloutView;
  /** When it stops being believed. */
  readonly expires: string;
}

export interface ArchiveDoor {
  /** Verifies the archive's metadata anew and reads the index and the rollout of a kernel. Errors: those of #trust, release-mismatch. */
  contact(buildId: string): Promise<ArchiveAnswer>;
  /** Puts the module of a release into the store; goes on where an earlier try ended. Errors: those of #trust. */
  obtain(release: ReleaseRef): Promise<void>;
  /** Is this what the archive signed for this release? Errors: release-mismatch, target-mismatch. */
  verify(release: ReleaseRef, module: Buffer): Promise<void>;
}

/** Modules that are kept on this host, by sha256. */
export interface StoreDoor {
  list(): Promise<Set<string>>;
  /** The module, with the hash it is kept under; undefined: it is not there, or not it (then it is removed). */
  read(sha256: string): Promise<Buffer | undefined>;
  /** Removes all but these. */
  prune(keep: ReadonlySet<string>): Promise<void>;
}

/** The operator's own word on whether this host is well; null: it is. */
export type HealthCheck = () => Promise<string | null>;

/** What a person asks of this host: to accept what is on trial, to give a release another try, to take the livepatch back. */
export type AgentRequest = { readonly word: 'accept'; readonly number: number | null } | { readonly word: 'revert' };

export interface RequestDoor {
  /** Null: nobody asks for anything. */
  read(): Promise<AgentRequest | null>;
  done(): Promise<void>;
}

export interface Doors {
  readonly kernel: KernelDoor;
  readonly archive: ArchiveDoor;
  readonly store: StoreDoor;
  readonly journal: JournalDoor;
  readonly clock: Clock;
  readonly level: () => Promise<Level>;
  /** Boot whose orderly end was written down; null: none. */
  readonly cleanBoot: () => Promise<string | null>;
  /** Who this host is in rollouts. */
  readonly me: () => Promise<Omit<Myself, 'now'>>;
  readonly precheck: (release: ReleaseRef, module: Buffer, purpose: Purpose) => Promise<readonly Refusal[]>;
  readonly health: HealthCheck;
  readonly requests: RequestDoor;
  /** Tells a server, where there is one, that the state has changed. It keeps nothing up, and never fails. */
  readonly tell?: (journal: Journal) => Promise<void>;
}

export interface RunLimits {
  readonly soakSeconds: number;
  readonly graceSeconds: number;
  /** Seconds in which a transition has to complete, before it is turned back. */
  readonly transitionSeconds: number;
}
