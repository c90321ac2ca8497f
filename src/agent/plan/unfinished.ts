import type { Journal, ReleaseRef } from '../journal.ts';
import { isAtWork, withFailure } from './boot.ts';
import { isBad, type Observation } from './observation.ts';
import type { Plan } from './steps.ts';

/** Loads of one release that may begin and leave no trace before it is given up. */
const MAX_ATTEMPTS = 2;
const BEFORE_LOADING = new Set(['downloaded', 'verified', 'prechecked']);

/**
 * What is left of the release at work, by what the kernel shows now. Needs no archive: a host finishes or gives up what it
 * began also when offline. Null: nothing.
 */
export function planUnfinished(seen: Observation): Plan | null {
  const { journal } = seen;
  const { release } = journal;
  if (release === null) return null;
  if (BEFORE_LOADING.has(journal.state)) return planBeforeLoad(seen, release);
  if (!isAtWork(journal) || isBad(journal, release)) return null;
  const present = seen.loaded.find(({ name }) => name === release.moduleName);
  if (journal.state === 'loading' && present === undefined) return planLost(seen, release);
  if (present?.enabled !== true) {
    const why = 'somebody else took it off';
    return { step: 'note', journal: withFailure(journal, release, 'reverted', why), why, code: 'taken-off' };
  }
  if (journal.state === 'loading') return note(seen, { ...journal, state: 'transitioning' }, 'it is in the kernel');
  if (journal.state === 'transitioning' || present.transition) return { step: 'watch', release };
  return { step: 'soak', release };
}

/** Nothing of it has touched the kernel yet; what an earlier run looked at may be another now. */
function planBeforeLoad(seen: Observation, release: ReleaseRef): Plan | null {
  const { journal } = seen;
  const drop = (why: string): Plan => note(seen, { ...journal, state: 'idle', release: null }, why);
  if (seen.resumed) return drop('what an earlier run prepared is prepared again');
  if (isBad(journal, release)) return drop('it was recalled meanwhile');
  if (seen.refused.has(release.sha256)) return drop('it cannot be loaded now');
  if (journal.purpose !== 'fallback' && typeof seen.archive !== 'object') return null;
  if (journal.state === 'downloaded') return { step: 'verify', release };
  if (journal.state === 'verified') return { step: 'precheck', release };
  return { step: 'load', release };
}

/** The intent was written, and no livepatch is there: the agent died before the kernel was asked, or the kernel stopped in it. */
function planLost(seen: Observation, release: ReleaseRef): Plan {
  const { journal } = seen;
  const { sha256, moduleName } = release;
  const count = (journal.attempts?.sha256 === sha256 ? journal.attempts.count : 0) + 1;
  const hangs = seen.modules.has(moduleName);
  if (hangs || count >= MAX_ATTEMPTS) {
    const why = hangs ? 'the kernel did not finish loading it' : 'its loading was begun twice and left no trace';
    return { step: 'note', journal: withFailure(journal, release, 'quarantined', why), why, code: 'quarantined' };
  }
  const next: Journal = { ...journal, state: 'idle', release: null, attempts: { sha256, count } };
  return note(seen, next, 'its loading was begun and left no trace');
}

function note(seen: Observation, journal: Journal, why: string): Plan {
  return { step: 'note', journal: { ...journal, since: seen.uptime }, why };
}
