import {
  type CveRecord,
  contains,
  type Evidence,
  type KernelVersion,
  parseKernelVersion,
  type Range,
  type RangeEnd,
} from '#domain';

/** What the ranges of a CVE say about one version. */
export type RangeOutcome = 'affected' | 'fixed' | 'not-introduced' | 'unknown';

/** All ranges that begin with the same introducing commit: one bug in one history, with its fixes per branch. */
interface Group {
  readonly introduced: RangeEnd | null;
  /** Undefined where the origin is unknown or its version cannot be read. */
  readonly since: KernelVersion | undefined;
  readonly fixes: { readonly end: RangeEnd; readonly since: KernelVersion | undefined }[];
}

/** A record is held against many kernels; its versions are read once. */
const parsed = new WeakMap<readonly Range[], readonly Group[]>();

/**
 * Ranges grouped by introducing commit. A fix clears only the group it belongs to: a bug that came back by another
 * commit is another group (measured: counting any fix of any window clears CVEs wrongly).
 */
function groupsOf(ranges: readonly Range[]): readonly Group[] {
  const known = parsed.get(ranges);
  if (known !== undefined) return known;
  const groups = new Map<string, Group>();
  for (const { introduced, fixed } of ranges) {
    const key = introduced === null ? '' : (introduced.commit ?? `version ${introduced.version}`);
    const since = introduced === null ? undefined : parseKernelVersion(introduced.version);
    const group = groups.get(key) ?? { introduced, since, fixes: [] };
    if (fixed !== null) group.fixes.push({ end: fixed, since: parseKernelVersion(fixed.version) });
    groups.set(key, group);
  }
  const all = [...groups.values()];
  parsed.set(ranges, all);
  return all;
}

/** Unknown origin and unreadable versions count as introduced: recall comes before precision. */
function isIntroduced({ since }: Group, version: KernelVersion): boolean {
  return since === undefined || contains(version, since);
}

function fixIn({ fixes }: Group, version: KernelVersion): RangeEnd | undefined {
  return fixes.find(({ since }) => since !== undefined && contains(version, since))?.end;
}

let last: { readonly text: string; readonly version: KernelVersion | undefined } = { text: '', version: undefined };

/** All records are held against one version after another. */
function versionOf(text: string): KernelVersion | undefined {
  if (last.text !== text) last = { text, version: parseKernelVersion(text) };
  return last.version;
}

/** Decides by versions alone. `version` is that of the kernel's source, e.g. `6.1.170`. */
export function rangesRung(record: CveRecord, version: string): { outcome: RangeOutcome; evidence: Evidence } {
  const kernel = versionOf(version);
  if (kernel === undefined)
    return unknown(`The kernel's version "${version}" cannot be read, so the affected ranges say nothing.`, {
      version,
    });
  if (record.ranges.length === 0) return unknown('The CVE states no affected ranges.', { version });
  const introduced = groupsOf(record.ranges).filter((group) => isIntroduced(group, kernel));
  if (introduced.length === 0) {
    const since = [...new Set(record.ranges.map((range) => range.introduced?.version ?? ''))];
    return {
      outcome: 'not-introduced',
      evidence: clears(`The vulnerable code came in ${list(since)}, which ${version} does not contain.`, {
        version,
        introduced: since,
      }),
    };
  }
  const open = introduced.find((group) => fixIn(group, kernel) === undefined);
  if (open === undefined) {
    const fixes = introduced.map((group) => fixIn(group, kernel)!);
    const names = fixes.map((fix) => `${fix.version}${fix.commit ? ` (${fix.commit.slice(0, 12)})` : ''}`);
    return {
      outcome: 'fixed',
      evidence: clears(`Fixed in ${list([...new Set(names)])}, which ${version} contains.`, { version, fixes }),
    };
  }
  return { outcome: 'affected', evidence: supports(open, version) };
}

function supports(open: Group, version: string): Evidence {
  const since = open.introduced === null ? 'an unknown version' : open.introduced.version;
  const fixes = [...new Set(open.fixes.map(({ end }) => end.version))];
  const rest =
    fixes.length === 0 ? 'no fix is known' : `its fixes are in ${list(fixes)}, none of which ${version} contains`;
  const sentence = `The vulnerable code came in ${since}, which ${version} contains, and ${rest}.`;
  return {
    rung: 'ranges',
    outcome: 'supports',
    sentence,
    facts: { version, introduced: open.introduced, fixes: open.fixes.map(({ end }) => end) },
  };
}

function clears(sentence: string, facts: Evidence['facts']): Evidence {
  return { rung: 'ranges', outcome: 'clears', sentence, facts };
}

function unknown(sentence: string, facts: Evidence['facts']): { outcome: RangeOutcome; evidence: Evidence } {
  return { outcome: 'unknown', evidence: { rung: 'ranges', outcome: 'inconclusive', sentence, facts } };
}

function list(words: readonly string[]): string {
  const shown = words.slice(0, 10);
  return `${shown.join(', ')}${words.length > shown.length ? ` and ${words.length - shown.length} more` : ''}`;
}
