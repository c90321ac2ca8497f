import type { ReleaseIndex } from '#domain';
import type { FailedRelease, Journal, ReleaseRef } from './state.ts';

/** A livepatch as the kernel shows it (ABI/testing/sysfs-kernel-livepatch). */
export interface LoadedLivepatch {
  readonly name: string;
  readonly enabled: boolean;
  readonly transition: boolean;
}

/** What one poll saw. */
export interface Observation {
  readonly bootId: string;
  readonly buildId: string;
  readonly journal: Journal;
  readonly loaded: readonly LoadedLivepatch[];
  /** The archive's index for this build-id; null: it has none. */
  readonly index: ReleaseIndex | null;
}

/** What to do next. Pure data: it can be printed before anything is done. */
export type Plan =
  | { readonly step: 'unknown-kernel' }
  | { readonly step: 'quarantine'; readonly release: ReleaseRef; readonly why: string }
  | { readonly step: 'nothing'; readonly why: string }
  | { readonly step: 'wait'; readonly why: string }
  | { readonly step: 'watch'; readonly release: ReleaseRef }
  | { readonly step: 'accept'; readonly release: ReleaseRef }
  | { readonly step: 'load'; readonly release: ReleaseRef; readonly path: string; readonly length: number };

const AT_WORK = new Set(['loading', 'transitioning', 'soaking']);

/**
 * Decides one step. A release whose load a boot did not survive is never loaded again; neither is one that failed here.
 */
export function plan(seen: Observation): Plan {
  const { journal, loaded } = seen;
  const current = journal.release;
  if (current !== null && AT_WORK.has(journal.state)) {
    if (journal.bootId !== seen.bootId)
      return { step: 'quarantine', release: current, why: `the host went down while it was ${journal.state}` };
    const module = loaded.find(({ name }) => name === current.moduleName);
    if (module === undefined)
      return {
        step: 'quarantine',
        release: current,
        why: 'it is not loaded although it was being loaded in this boot',
      };
    return { step: 'watch', release: current };
  }
  if (seen.index === null) return { step: 'unknown-kernel' };
  const candidates = seen.index.releases.filter(({ sha256 }) => !isFailed(journal.failed, sha256));
  const newest = candidates.toSorted((a, b) => b.number - a.number)[0];
  if (newest === undefined) {
    return {
      step: 'nothing',
      why:
        seen.index.releases.length === 0
          ? 'this kernel is subscribed and has no release yet'
          : 'every release failed on this host',
    };
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
