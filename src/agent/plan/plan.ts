import type { IndexedRelease } from '#domain';
import type { ReleaseRef } from '../journal.ts';
import { afterBoot, isAtWork, MAX_UNCLEAN_BOOTS, withFailure } from './boot.ts';
import { isBad, type LoadedLivepatch, lastGood, type Observation, releaseOf } from './observation.ts';
import type { Bad, Plan } from './steps.ts';
import { chosenOf } from './turn.ts';
import { planUnfinished } from './unfinished.ts';

/**
 * The next step, from what is seen alone. The order is the order of harm: what is bad goes first, then what was begun, then
 * the archive's word, and only then something new.
 */
export function plan(seen: Observation): Plan {
  return planHere(seen) ?? planArchive(seen) ?? planKnown(seen) ?? planBack(seen) ?? planNewer(seen);
}

/** What the host can do by itself. */
function planHere(seen: Observation): Plan | null {
  const { journal, bootId, level } = seen;
  if (journal.bootId !== bootId) {
    const noted = afterBoot(seen);
    const died = noted.journal.failed.length > journal.failed.length;
    return { step: 'note', ...noted, ...(died && { code: 'quarantined' as const }) };
  }
  if (level === 'stop') return { step: 'rest', why: 'this host refuses everything (level stop)' };
  return planUnfinished(seen) ?? planLeftOver(seen) ?? planBad(seen);
}

/** What failed or was recalled must not stay: the last accepted one goes over it, and only where there is none it comes off bare. */
function planBad(seen: Observation): Plan | null {
  const { journal, loaded, level } = seen;
  const bad = loaded.filter(({ name }) => {
    const release = releaseOf(seen, name);
    return release !== null && isBad(journal, release);
  });
  if (bad.length === 0) return null;
  if (journal.alarm !== null) return { step: 'rest', code: 'alarm', why: journal.alarm };
  const leaving = bad.find(({ enabled, transition }) => !enabled && transition);
  if (leaving !== undefined) return { step: 'await-off', name: leaving.name };
  const arriving = bad.find(({ transition }) => transition);
  if (arriving !== undefined) return { step: 'reverse', ...whyBad(seen, arriving) };
  const present = bad.find(({ enabled }) => enabled);
  if (present === undefined) return null;
  if (loaded.some(({ transition }) => transition))
    return { step: 'rest', why: 'another transition is running; the bad livepatch goes next' };
  const good = level === 'no-apply' ? undefined : lastGood(seen, present.name);
  if (good !== undefined) return { step: 'fetch', release: good, purpose: 'fallback', over: whyBad(seen, present) };
  return { step: 'unpatch', ...whyBad(seen, present) };
}

function whyBad(seen: Observation, { name }: LoadedLivepatch): Bad {
  const release = releaseOf(seen, name);
  const recalled = seen.journal.recalled.find(
    (entry) => entry.number === release?.number && entry.buildId === release.buildId,
  );
  if (recalled !== undefined)
    return { name, code: 'recalled', why: `release ${recalled.number} was recalled: ${recalled.reason}` };
  const failed = seen.journal.failed.find((entry) => entry.sha256 === release?.sha256);
  return { name, code: 'quarantined', why: `release ${failed?.number} failed here: ${failed?.why}` };
}

/** A module of ours that was replaced or taken off stands in the way of its own return. */
function planLeftOver(seen: Observation): Plan | null {
  const { journal, loaded, modules, kept } = seen;
  const names = [...journal.accepted, ...journal.failed, ...indexed(seen)].map(({ moduleName }) => moduleName);
  const idle = names.find((name) => {
    if (!modules.has(name) || kept.has(name)) return false;
    const shown = loaded.find((livepatch) => livepatch.name === name);
    return shown === undefined || (!shown.enabled && !shown.transition);
  });
  return idle === undefined ? null : { step: 'clean', name: idle };
}

function planArchive({ archive }: Observation): Plan | null {
  if (archive === 'not-asked') return { step: 'contact' };
  if (archive === 'unreachable') return { step: 'rest', why: 'the archive cannot be reached or believed' };
  if (archive.index !== null) return null;
  return { step: 'rest', code: 'unknown-kernel', why: 'the archive does not serve this kernel' };
}

/** A livepatch of ours that the journal does not have at work: somebody loaded it, or the journal was lost. */
function planKnown(seen: Observation): Plan | null {
  const { journal } = seen;
  const current = currentOf(seen);
  if (current === null) {
    const { release, state } = journal;
    if (release === null || state !== 'accepted' || !journal.guard.loaded) return null;
    if (isBad(journal, release))
      return { step: 'note', journal: { ...journal, state: 'reverted', since: seen.uptime }, why: 'it is off' };
    const why = 'somebody else took it off';
    return { step: 'note', journal: withFailure(journal, release, 'reverted', why), why, code: 'taken-off' };
  }
  if (journal.release?.sha256 === current.sha256 && (journal.state === 'accepted' || isAtWork(journal))) return null;
  const known = journal.accepted.some(({ sha256 }) => sha256 === current.sha256);
  const state = known ? ('accepted' as const) : ('soaking' as const);
  const guard = { ...journal.guard, loaded: true };
  const next = { ...journal, state, release: current, purpose: 'update' as const, since: seen.uptime, guard };
  return { step: 'note', journal: next, why: `release ${current.number} is loaded already` };
}

/** What may be loaded at all, and the accepted release after a boot. */
function planBack(seen: Observation): Plan | null {
  const { journal, level, uptime, graceSeconds, loaded } = seen;
  if (journal.alarm !== null) return { step: 'rest', code: 'alarm', why: journal.alarm };
  if (loaded.some(({ transition }) => transition)) return { step: 'rest', why: 'another livepatch is in transition' };
  if (journal.guard.unclean >= MAX_UNCLEAN_BOOTS) {
    const why = `${journal.guard.unclean} boots in a row went down after a load; nothing is loaded until a person has looked`;
    return { step: 'rest', code: 'crash-loop', why };
  }
  const good = lastGood(seen);
  const back = good !== undefined && good.number > (currentOf(seen)?.number ?? 0) ? good : undefined;
  if (level === 'no-apply') return { step: 'rest', why: 'this host loads nothing (level no-apply)' };
  const waits = uptime < graceSeconds && (back !== undefined || 'release' in chosen(seen));
  if (waits) return { step: 'rest', why: `nothing is loaded before the host has been up for ${graceSeconds} s` };
  return back === undefined ? null : { step: 'fetch', release: back, purpose: 'restore' };
}

function planNewer(seen: Observation): Plan {
  const found = chosen(seen);
  if ('release' in found) {
    const { release, leastSoak } = found;
    if (seen.level === 'no-new')
      return { step: 'rest', why: `release ${release.number} is new; this host takes none (level no-new)` };
    return { step: 'fetch', release, purpose: 'update', leastSoak };
  }
  const standing = indexed(seen).filter((release) => !isBad(seen.journal, release));
  if (currentOf(seen) !== null && standing.every(({ number }) => number <= (currentOf(seen)?.number ?? 0)))
    return { step: 'rest', why: 'the newest release is loaded' };
  if (indexed(seen).length === 0) return { step: 'rest', why: 'this kernel is subscribed and has no release yet' };
  if (standing.some(({ sha256 }) => seen.refused.has(sha256))) return { step: 'rest', why: 'it cannot be loaded now' };
  if (standing.length === 0) return { step: 'rest', why: 'every release failed on this host or was recalled' };
  return { step: 'rest', why: found.why };
}

/** The release of ours that is on; null: none. */
function currentOf(seen: Observation): ReleaseRef | null {
  for (const { name, enabled } of seen.loaded) {
    const shown = enabled ? releaseOf(seen, name) : null;
    if (shown === null || isBad(seen.journal, shown)) continue;
    const known = [seen.journal.release, ...seen.journal.accepted].find((release) => release?.sha256 === shown.sha256);
    const release = known ?? indexed(seen).find((entry) => entry.sha256 === shown.sha256);
    if (release !== undefined && release !== null) return refOf(release);
  }
  return null;
}

function indexed({ archive }: Observation): readonly IndexedRelease[] {
  return typeof archive === 'object' ? (archive.index?.releases ?? []) : [];
}

/**
 * What the archive has for this host, by the one rule that holds also against a stolen online key (`chooseRelease`), but for
 * what failed here; and only what is newer than what is on, and than what was ever accepted and still may be.
 */
function chosen(seen: Observation): { release: ReleaseRef; leastSoak: number } | { why: string } {
  const { journal, buildId } = seen;
  const choice = chosenOf(seen);
  if (choice.step === 'none') return { why: `it is not this host's turn: ${choice.why}` };
  const good = journal.accepted.filter((one) => one.buildId === buildId && !isBad(journal, one));
  const floor = Math.max(0, currentOf(seen)?.number ?? 0, ...good.map(({ number }) => number));
  if (choice.release.number <= floor) return { why: "it is not this host's turn for anything newer" };
  return { release: refOf(choice.release), leastSoak: choice.soakSeconds };
}

export function refOf(release: ReleaseRef): ReleaseRef {
  const { buildId, number, moduleName, sha256, length, path, cves, functions } = release;
  return { buildId, number, moduleName, sha256, length, path, cves, functions };
}
