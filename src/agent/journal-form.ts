import { agentStates, isBuildId, isCveId } from '#domain';
import { emptyJournal, type FailedRelease, type Journal, noTurn, purposes, type ReleaseRef } from './journal.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The journal in a text, or undefined where any part of it is not as `Journal` says: half a journal would be a guess about
 * what may be loaded. Of an earlier version only what failed is taken: the rest is found again from the kernel.
 */
export function parseJournal(text: string, bootId: string): Journal | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isFields(value)) return undefined;
  if (value['version'] === 1) return ofFirstVersion(value, bootId);
  // Written before there were rollouts.
  const whole = { turn: noTurn, ...value };
  return isJournal(whole) ? whole : undefined;
}

function ofFirstVersion(value: Fields, bootId: string): Journal | undefined {
  const { failed } = value;
  if (!Array.isArray(failed)) return undefined;
  const found: FailedRelease[] = [];
  for (const entry of failed as unknown[]) {
    if (!isFields(entry)) return undefined;
    const { sha256, number, why, reports = [] } = entry;
    if (!isText(sha256) || !isNumber(number) || !isText(why) || !isTexts(reports)) return undefined;
    found.push({ sha256, number, moduleName: '', how: 'quarantined', why, reports });
  }
  return { ...emptyJournal(bootId), failed: found };
}

function isJournal(value: Fields): value is Fields & Journal {
  const { state, release, purpose, attempts, accepted, failed, recalled, newest, guard, alarm, contact } = value;
  return (
    value['version'] === 2 &&
    isOneOf(agentStates, state) &&
    isOneOf(purposes, purpose) &&
    isText(value['bootId']) &&
    isNumber(value['since']) &&
    isTexts(value['baseline']) &&
    (release === null || isRelease(release)) &&
    (attempts === null || (isFields(attempts) && isText(attempts['sha256']) && isNumber(attempts['count']))) &&
    isListOf(accepted, isRelease) &&
    isListOf(failed, isFailed) &&
    isListOf(recalled, (one) => isText(one['buildId']) && isNumber(one['number']) && isText(one['reason'])) &&
    (newest === null || (isFields(newest) && isText(newest['buildId']) && isNumber(newest['number']))) &&
    isNumber(value['leastSoak']) &&
    isFields(guard) &&
    isNumber(guard['unclean']) &&
    typeof guard['loaded'] === 'boolean' &&
    isNumber(guard['polls']) &&
    isTextOrNull(alarm) &&
    isContact(contact) &&
    isTurn(value['turn'])
  );
}

function isTurn(value: unknown): boolean {
  if (!isFields(value)) return false;
  const { seen, known } = value;
  const isSeen = seen === null || (isFields(seen) && isText(seen['buildId']) && isNumber(seen['serial']));
  return (
    isSeen &&
    isListOf(
      known,
      ({ sha256, seconds, bootId, at }) => [sha256, bootId].every(isText) && [seconds, at].every(isNumber),
    )
  );
}

function isContact(value: unknown): boolean {
  if (!isFields(value)) return false;
  const { last, expires, failingSince, error } = value;
  return (
    [last, expires, failingSince].every(isTextOrNull) &&
    (error === null || (isFields(error) && isText(error['code']) && isText(error['what'])))
  );
}

function isRelease(value: unknown): value is ReleaseRef {
  if (!isFields(value)) return false;
  const { buildId, number, moduleName, sha256, length, path, cves, functions } = value;
  return (
    isText(buildId) &&
    isBuildId(buildId) &&
    [number, length].every(isNumber) &&
    [moduleName, sha256, path].every(isText) &&
    Array.isArray(cves) &&
    cves.every((cve) => isText(cve) && isCveId(cve)) &&
    isListOf(functions, (one) => isText(one['object']) && isText(one['name']))
  );
}

function isFailed(value: Fields): boolean {
  const { sha256, number, moduleName, how, why, reports } = value;
  return (
    [sha256, moduleName, why].every(isText) &&
    isNumber(number) &&
    isOneOf(['reverted', 'quarantined'], how) &&
    isTexts(reports)
  );
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isListOf(value: unknown, is: (one: Fields) => boolean): boolean {
  return Array.isArray(value) && value.every((one) => isFields(one) && is(one));
}

function isOneOf(values: readonly string[], value: unknown): boolean {
  return isText(value) && values.includes(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isTextOrNull(value: unknown): boolean {
  return value === null || isText(value);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
