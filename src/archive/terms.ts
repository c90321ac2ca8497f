import {
  type BuildId,
  isSignedMitigation,
  type PaceFloors,
  type Recall,
  type ReleaseIndex,
  type SignedMitigation,
} from '#domain';
import { ArchiveError } from './error.ts';
import { editIndex, type Published } from './index-file.ts';
import type { ArchivePlace } from './place.ts';
import { newestOf } from './publish.ts';

function subscribed(index: ReleaseIndex | undefined, buildId: BuildId): ReleaseIndex {
  if (index !== undefined) return index;
  throw new ArchiveError('not-published', 'input', {
    what: `the archive does not serve build-id ${buildId.slice(0, 12)}`,
    remedy: 'open its index with "tuxtape archive subscribe"',
  });
}

export interface RecallOptions {
  readonly buildId: BuildId;
  readonly number: number;
  readonly reason: string;
  readonly by: string;
  readonly propose: boolean;
}

/**
 * Recalls a release: hosts take it off, and never load it again. Signed by release keys, and there is no way back but a new release.
 * Errors: not-published, terms-invalid (no reason, recalled already).
 */
export async function recallRelease(place: ArchivePlace, options: RecallOptions): Promise<Published<Recall>> {
  const { buildId, number, by } = options;
  const reason = options.reason.trim();
  return editIndex(place, buildId, options.propose, (before, now) => {
    const index = subscribed(before, buildId);
    if (!Number.isSafeInteger(number) || number < 1 || number > newestOf(index))
      throw new ArchiveError('not-published', 'input', { what: `there is no release ${number} of this kernel` });
    const recalls = index.recalls ?? [];
    if (recalls.some((one) => one.number === number))
      throw new ArchiveError('terms-invalid', 'input', { what: `release ${number} was recalled already` });
    const recall: Recall = { number, reason, at: now.toISOString(), by };
    const newest = newestOf(index);
    return { index: { ...index, newest, recalls: [...recalls, recall] }, files: [], result: recall };
  });
}

/** Sets how fast a release of a kernel may spread at most, whatever the online key says. Errors: not-published, terms-invalid. */
export async function setFloors(
  place: ArchivePlace,
  { buildId, floors, propose }: { readonly buildId: BuildId; readonly floors: PaceFloors; readonly propose: boolean },
): Promise<Published<ReleaseIndex>> {
  return editIndex(place, buildId, propose, (before) => {
    const index = { ...subscribed(before, buildId), floors };
    return { index, files: [], result: index };
  });
}

export interface MitigateOptions {
  readonly buildId: BuildId;
  readonly mitigation: Omit<SignedMitigation, 'at'>;
  readonly propose: boolean;
}

/** Tells hosts what to do until the patch lands; one of the same CVE and action before it goes. Errors: not-published, terms-invalid. */
export async function mitigate(place: ArchivePlace, options: MitigateOptions): Promise<Published<SignedMitigation>> {
  return editIndex(place, options.buildId, options.propose, (before, now) => {
    const index = subscribed(before, options.buildId);
    const mitigation: SignedMitigation = { ...options.mitigation, at: now.toISOString() };
    if (!isSignedMitigation(mitigation) || Date.parse(mitigation.until) <= now.getTime())
      throw new ArchiveError('terms-invalid', 'input', {
        what: 'this is no mitigation that hosts know: a module to block, or one of the settings, with a reason and a day to come',
        remedy: 'docs/reference/archive.md lists them',
      });
    const others = (index.mitigations ?? []).filter((one) => !isSameMitigation(one, mitigation) && isInForce(one, now));
    return { index: { ...index, mitigations: [...others, mitigation] }, files: [], result: mitigation };
  });
}

/** Takes mitigations of a CVE back before their time. Errors: not-published, also where there is none. */
export async function withdrawMitigations(
  place: ArchivePlace,
  { buildId, cve, propose }: { readonly buildId: BuildId; readonly cve: string; readonly propose: boolean },
): Promise<Published<readonly SignedMitigation[]>> {
  return editIndex(place, buildId, propose, (before) => {
    const index = subscribed(before, buildId);
    const gone = (index.mitigations ?? []).filter((one) => one.cve === cve);
    if (gone.length === 0)
      throw new ArchiveError('not-published', 'input', { what: `there is no mitigation of ${cve} for this kernel` });
    const mitigations = (index.mitigations ?? []).filter((one) => one.cve !== cve);
    return { index: { ...index, mitigations }, files: [], result: gone };
  });
}

function isSameMitigation(one: SignedMitigation, other: SignedMitigation): boolean {
  const target = ({ action }: SignedMitigation): string => (action.kind === 'sysctl' ? action.name : action.module);
  return one.cve === other.cve && one.action.kind === other.action.kind && target(one) === target(other);
}

function isInForce({ until }: SignedMitigation, now: Date): boolean {
  return Date.parse(until) > now.getTime();
}
