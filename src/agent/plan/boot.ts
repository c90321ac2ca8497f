import type { FailedRelease, Journal, ReleaseRef } from '../journal.ts';
import { isBad, type Observation } from './observation.ts';

/** An accepted release at work in so many polls of a boot: the boot counts as survived, however it ends. */
export const SETTLED_POLLS = 3;
/** After so many boots in a row that went down after a load, nothing is loaded until a person has looked. */
export const MAX_UNCLEAN_BOOTS = 3;
/** What a journal keeps at most; the newest stay. */
const FAILED_MAX = 200;
const ACCEPTED_MAX = 4;

const AT_WORK = new Set(['loading', 'transitioning', 'soaking']);

export function isAtWork({ state, release }: Pick<Journal, 'state' | 'release'>): boolean {
  return release !== null && AT_WORK.has(state);
}

/** The journal with one more release that is not loaded here again. */
export function withFailure(
  journal: Journal,
  release: Pick<ReleaseRef, 'sha256' | 'number' | 'moduleName'>,
  how: FailedRelease['how'],
  why: string,
  reports: readonly string[] = [],
): Journal {
  const { sha256, number, moduleName } = release;
  const others = journal.failed.filter((entry) => entry.sha256 !== sha256);
  const failed = [...others, { sha256, number, moduleName, how, why, reports }].slice(-FAILED_MAX);
  return { ...journal, failed, state: journal.release?.sha256 === sha256 ? how : journal.state };
}

/** Accepted releases come back after a boot and go over bad ones; the newest that can be are kept. */
export function accepted(journal: Journal, release: ReleaseRef): Journal {
  const others = journal.accepted.filter((one) => one.sha256 !== release.sha256 && !isBad(journal, one));
  return {
    ...journal,
    state: 'accepted',
    release,
    attempts: null,
    accepted: [...others, release].slice(-ACCEPTED_MAX),
  };
}

/**
 * The journal in a new boot: nothing of the earlier one is loaded, whatever the file says. A release that was at work when
 * the boot ended in no orderly way is quarantined; the guard counts the boot unless it had settled.
 */
export function afterBoot({ journal, bootId, uptime, cleanBoot }: Observation): { journal: Journal; why: string } {
  const { release, guard, state } = journal;
  const orderly = cleanBoot === journal.bootId;
  const died = guard.loaded && !orderly && guard.polls < SETTLED_POLLS;
  const survived = guard.loaded && !died;
  const unclean = died ? guard.unclean + 1 : survived ? 0 : guard.unclean;
  const next: Journal = {
    ...journal,
    bootId,
    since: uptime,
    baseline: [],
    alarm: null,
    guard: { unclean, loaded: false, polls: 0 },
  };
  if (release !== null && isAtWork(journal)) {
    if (!orderly) {
      const why = `the host went down while it was ${state}`;
      return { journal: withFailure(next, release, 'quarantined', why), why: `release ${release.number}: ${why}` };
    }
    const why = 'the host was restarted in an orderly way while a release was on trial';
    return { journal: { ...next, state: 'idle', release: null }, why };
  }
  return { journal: { ...next, state: 'idle', release: null }, why: 'a new boot' };
}
