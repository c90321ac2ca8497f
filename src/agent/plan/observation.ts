import type { ReleaseIndex, RolloutFile } from '#domain';
import type { Journal, ReleaseRef } from '../journal.ts';
import type { Level } from '../level.ts';

/** A livepatch as the kernel shows it (ABI/testing/sysfs-kernel-livepatch). */
export interface LoadedLivepatch {
  readonly name: string;
  readonly enabled: boolean;
  readonly transition: boolean;
}

/** Who this host is in rollouts: its own word, never a server's. */
export interface Myself {
  /** Id at the server; without a server one that is derived from this machine. */
  readonly id: string;
  readonly ring: string;
  /** Serial of the first rollout file that was made with this host in mind; null: none. */
  readonly counted: number | null;
  /** It checks in with a server, so it waits for a rollout, where there is none, too. */
  readonly follows: boolean;
  /** For windows, which are for people. */
  readonly now: Date;
}

/** What the archive says of rollouts: the file of this kernel; null: it has none. One that cannot be read says nothing good. */
export type RolloutView = RolloutFile | null | 'unreadable';

/** What the archive said in this run: nothing yet, nothing to be had, or its index (null: this kernel is not served). */
export type ArchiveView =
  | 'not-asked'
  | 'unreachable'
  | { readonly index: ReleaseIndex | null; readonly rollout: RolloutView };

/** Everything a decision is made from: what the kernel shows now, the journal, and what this run has learnt. */
export interface Observation {
  readonly bootId: string;
  /** Seconds since boot, by the clock that never jumps. */
  readonly uptime: number;
  readonly buildId: string;
  readonly journal: Journal;
  readonly loaded: readonly LoadedLivepatch[];
  /** Names of the modules in the kernel, livepatches and others, in whatever state. */
  readonly modules: ReadonlySet<string>;
  /** Boot whose orderly end was written down. */
  readonly cleanBoot: string | null;
  readonly level: Level;
  /** Seconds after boot before which nothing is loaded. */
  readonly graceSeconds: number;
  readonly archive: ArchiveView;
  /** sha256 of the modules that are kept on this host. */
  readonly stored: ReadonlySet<string>;
  /** sha256 of releases that this run has found it cannot load now. */
  readonly refused: ReadonlySet<string>;
  /** Names of modules that this run could not remove. */
  readonly kept: ReadonlySet<string>;
  readonly me: Myself;
  /** The state was written by an earlier run. */
  readonly resumed: boolean;
}

export function isFailed({ failed }: Pick<Journal, 'failed'>, sha256: string): boolean {
  return failed.some((entry) => entry.sha256 === sha256);
}

export function isRecalled({ recalled }: Pick<Journal, 'recalled'>, release: Numbered): boolean {
  return recalled.some((entry) => entry.number === release.number && entry.buildId === release.buildId);
}

/** What tells one release from all others: its bytes, and its number among those of its kernel. */
export type Numbered = Pick<ReleaseRef, 'buildId' | 'number'>;
export type Known = Numbered & Pick<ReleaseRef, 'sha256'>;

/** Must not be loaded on this host, and must not stay. */
export function isBad(journal: Journal, release: Known): boolean {
  return isFailed(journal, release.sha256) || isRecalled(journal, release);
}

/** Newest accepted release that may be loaded again on this kernel, but for one of that name. */
export function lastGood(seen: Observation, exceptModule: string | null = null): ReleaseRef | undefined {
  const { journal, stored, archive } = seen;
  const served = typeof archive === 'object' ? (archive.index?.releases ?? []) : [];
  const good = journal.accepted.filter(
    (release) =>
      release.buildId === seen.buildId &&
      release.moduleName !== exceptModule &&
      !isBad(journal, release) &&
      !seen.refused.has(release.sha256) &&
      !seen.kept.has(release.moduleName) &&
      (stored.has(release.sha256) || served.some(({ sha256 }) => sha256 === release.sha256)),
  );
  return good.toSorted((a, b) => b.number - a.number)[0];
}

/** Which release a livepatch in the kernel is; null: it is none of ours. */
export function releaseOf(seen: Observation, name: string): Known | null {
  const { journal, archive } = seen;
  if (journal.release?.moduleName === name) return journal.release;
  const accepted = journal.accepted.findLast(({ moduleName }) => moduleName === name);
  if (accepted !== undefined) return accepted;
  const failed = journal.failed.findLast(({ moduleName }) => moduleName === name);
  if (failed !== undefined) return { ...failed, buildId: seen.buildId };
  const index = typeof archive === 'object' ? archive.index : null;
  return index?.releases.findLast(({ moduleName }) => moduleName === name) ?? null;
}
