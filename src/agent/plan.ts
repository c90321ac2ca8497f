import type { ReleaseIndex } from '#domain';
import type { FailedRelease, Journal, ReleaseRef } from './state.ts';

/** A livepatch as the kernel shows it (ABI/testing/sysfs-kernel-livepatch). */
export interface LoadedLivepatch {
  readonly name: string;
  readonly enabled: boolean;
  readonly transition: boolean;
}

/** What the host itself says, before anything of the archive is looked at. */
export interface LocalObservation {
  readonly bootId: string;
  readonly journal: Journal;
  readonly loaded: readonly LoadedLivepatch[];
}

/** What one poll saw. */
export interface Observation extends LocalObservation {
  /** The archive's index for the running kernel; null: it has none. */
  readonly index: ReleaseIndex | null;
}

/** What is left to do of an earlier poll. Needs no archive: a host finishes or gives up what it began also when offline. */
export type UnfinishedPlan =
  | { readonly step: 'quarantine'; readonly release: ReleaseRef; readonly why: string }
  | { readonly step: 'watch'; readonly release: ReleaseRef };

/** What to do next. Pure data: it can be printed before anything is done. */
export type Plan =
  | { readonly step: 'unknown-kernel' }
  | { readonly step: 'nothing'; readonly why: string }
  | { readonly step: 'wait'; readonly why: string }
  | { readonly step: 'accept'; readonly release: ReleaseRef }
  | { readonly step: 'load'; readonly release: ReleaseRef; readonly path: string; readonly length: number };

const AT_WORK = new Set(['loading', 'transitioning', 'soaking']);

/** A release whose load a boot did not survive is never loaded again; one that is still in transition is watched on. */
export function planUnfinished({ bootId, journal, loaded }: LocalObservation): UnfinishedPlan | null {
  const { release } = journal;
  if (release === null || !AT_WORK.has(journal.state)) return null;
  if (journal.bootId !== bootId) {
    return { step: 'quarantine', release, why: `the host went down while it was ${journal.state}` };
  }
  if (!loaded.some(({ name }) => name === release.moduleName)) {
    return { step: 'quarantine', release, why: 'it is not loaded although it was being loaded in this boot' };
  }
  return { step: 'watch', release };
}

/** Decides one step towards the newest release that has not failed on this host. */
export function plan({ journal, loaded, index }: Observation): Plan {
  if (index === null) return { step: 'unknown-kernel' };
  const candidates = index.releases.filter(({ sha256 }) => !isFailed(journal.failed, sha256));
  const newest = candidates.toSorted((a, b) => b.number - a.number)[0];
  if (newest === undefined) {
    const none = index.releases.length === 0;
    const why = none ? 'this kernel is subscribed and has no release yet' : 'every release failed on this host';
    return { step: 'nothing', why };
  }
  const release: ReleaseRef = {
    number: newest.number,
    moduleName: newest.moduleName,
    sha256: newest.sha256,
    cves: newest.cves,
  };
  const present = loaded.find(({ name }) => name === newest.moduleName);
  if (present?.enabled === true && !present.transition) return { step: 'accept', release };
  if (loaded.some(({ transition }) => transition)) return { step: 'wait', why: 'another livepatch is in transition' };
  return { step: 'load', release, path: newest.path, length: newest.length };
}

export function isFailed(failed: readonly FailedRelease[], sha256: string): boolean {
  return failed.some((entry) => entry.sha256 === sha256);
}
