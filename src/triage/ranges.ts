import {
  type CveRecord,
  compareKernelVersions,
  contains,
  type Evidence,
  type KernelVersion,
  parseKernelVersion,
  type Range,
  type RangeEnd,
  type VersionSpan,
  versionSpan,
} from '#domain';

/** What the ranges of a CVE say about one version. */
export type RangeOutcome = 'affected' | 'fixed' | 'not-introduced' | 'unknown';

interface End {
  readonly end: RangeEnd;
  /** Undefined where the version cannot be read. */
  readonly since: KernelVersion | undefined;
}

/** All ranges that begin with the same introducing commit: one bug in one history, with its fixes per branch. */
interface Group {
  readonly introduced: RangeEnd | null;
  /** Undefined where the origin is unknown or its version cannot be read. */
  readonly since: KernelVersion | undefined;
  readonly fixes: readonly End[];
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
  const groups = new Map<string, Group & { fixes: End[] }>();
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

/**
 * The fixes that make this version safe from one group; undefined where it is not. A branch with fixes of its own needs all
 * of them (28 records of 14,626 have several in one branch, a first one that was not enough). Elsewhere a mainline fix
 * counts, unless it is from before the bug came in.
 */
function fixesIn({ fixes, since: introduced }: Group, version: KernelVersion): readonly RangeEnd[] | undefined {
  // One pass, because all records are held against every kernel.
  let own: RangeEnd[] | undefined;
  let ownMissing = false;
  let mainline: RangeEnd | undefined;
  for (const { end, since } of fixes) {
    if (since === undefined) continue;
    if (since.patch > 0 && isSameBranch(since, version)) {
      (own ??= []).push(end);
      ownMissing ||= !contains(version, since);
    } else if (mainline === undefined && contains(version, since)) {
      if (introduced === undefined || compareKernelVersions(since, introduced) >= 0) mainline = end;
    }
  }
  if (own !== undefined) return ownMissing ? undefined : own;
  return mainline && [mainline];
}

/** A record may date a mainline fix before the bug it fixes (CVE-2021-47645: 5.10, fixed in 5.2); what holds is not known. */
function contradictsItself({ fixes, since: introduced }: Group, version: KernelVersion): boolean {
  if (introduced === undefined || fixes.some(({ since }) => since !== undefined && isSameBranch(since, version)))
    return false;
  const isOlder = ({ since }: End): boolean =>
    since !== undefined && compareKernelVersions(since, introduced) < 0 && contains(version, since);
  return fixes.some(isOlder);
}

function isSameBranch(a: KernelVersion, b: KernelVersion): boolean {
  const { length } = a.mainline;
  if (length !== b.mainline.length) return false;
  for (let i = 0; i < length; i += 1) if (a.mainline[i] !== b.mainline[i]) return false;
  return true;
}

type GroupState = 'absent' | 'affected' | 'fixed' | 'unknown';

/** Both ends of the span must agree, each at its worst: `lower` for fixes, `upper` for what came in. */
function stateOf(group: Group, { lower, upper }: VersionSpan): GroupState {
  if (upper !== null && !isIntroduced(group, upper)) return 'absent';
  const isFixedBelow = fixesIn(group, lower) !== undefined;
  const isFixedAbove = upper !== null && (upper === lower ? isFixedBelow : fixesIn(group, upper) !== undefined);
  if (isFixedBelow && (upper === null || isFixedAbove)) return 'fixed';
  const isOpen = upper !== null && isIntroduced(group, lower) && !isFixedAbove;
  return isOpen && !contradictsItself(group, upper) ? 'affected' : 'unknown';
}

let last: { readonly key: string; readonly span: VersionSpan | undefined } = { key: '', span: undefined };

/** All records are held against one version after another. */
function spanOf(text: string, release: string | null): VersionSpan | undefined {
  const key = `${text} ${release ?? ''}`;
  if (last.key !== key) last = { key, span: versionSpan(text, release) };
  return last.span;
}

/**
 * Decides by versions alone. `version` is that of the kernel's source, e.g. `6.1.170`, or what a distribution calls it;
 * `release` is what `uname -r` says, where that is known.
 */
export function rangesRung(
  record: CveRecord,
  version: string,
  release: string | null = null,
): { outcome: RangeOutcome; evidence: Evidence } {
  const span = spanOf(version, release);
  if (span === undefined)
    return unknown(`The kernel's version "${version}" cannot be read, so the affected ranges say nothing.`, {
      version,
    });
  if (record.ranges.length === 0) return unknown('The CVE states no affected ranges.', { version });
  const groups = groupsOf(record.ranges);
  const fixes: RangeEnd[] = [];
  let open: Group | undefined;
  for (const group of groups) {
    const state = stateOf(group, span);
    if (state === 'affected') return { outcome: 'affected', evidence: supports(group, version) };
    if (state === 'unknown') open ??= group;
    if (state === 'fixed') fixes.push(...(fixesIn(group, span.lower) ?? []));
  }
  if (open !== undefined) return undecided(open, version, span);
  return fixes.length > 0 ? fixed(fixes, version) : notIntroduced(groups, version);
}

function fixed(fixes: readonly RangeEnd[], version: string): ReturnType<typeof rangesRung> {
  const names = fixes.map((fix) => `${fix.version}${fix.commit ? ` (${fix.commit.slice(0, 12)})` : ''}`);
  const sentence = `Fixed in ${list([...new Set(names)])}, which ${version} contains.`;
  return { outcome: 'fixed', evidence: clears(sentence, { version, fixes }) };
}

/** What is said of a record for one kernel is said for all of them. */
const origins = new WeakMap<readonly Group[], { readonly text: string; readonly since: readonly string[] }>();

function notIntroduced(groups: readonly Group[], version: string): ReturnType<typeof rangesRung> {
  const since = origins.get(groups)?.since ?? [...new Set(groups.map(({ introduced }) => introduced?.version ?? ''))];
  const text = origins.get(groups)?.text ?? list(since);
  origins.set(groups, { text, since });
  const sentence = `The vulnerable code came in ${text}, which ${version} does not contain.`;
  return { outcome: 'not-introduced', evidence: clears(sentence, { version, introduced: since }) };
}

/**
 * Do these fixing commits answer every bug of the record that is open in this version, and are those of its own branch all
 * among them? A proof about one fix says nothing of another bug under the same id.
 */
export function fixesAnswer(
  record: CveRecord,
  version: string,
  release: string | null,
  commits: ReadonlySet<string>,
): boolean {
  const span = spanOf(version, release);
  if (span === undefined) return false;
  const has = ({ end }: End): boolean => end.commit !== null && commits.has(end.commit);
  return groupsOf(record.ranges).every((group) => {
    const own = group.fixes.filter(
      ({ since }) => since !== undefined && since.patch > 0 && isSameBranch(since, span.lower),
    );
    if (!own.every(has)) return false;
    const state = stateOf(group, span);
    return state === 'absent' || state === 'fixed' || group.fixes.some(has);
  });
}

function supports(open: Group, version: string): Evidence {
  return {
    rung: 'ranges',
    outcome: 'supports',
    sentence: `The vulnerable code came in ${originOf(open)}, which ${version} contains, and ${restOf(open, version)}.`,
    facts: factsOf(open, version),
  };
}

function originOf({ introduced }: Group): string {
  return introduced === null ? 'an unknown version' : introduced.version;
}

/** As `origins`, of one bug. */
const ends = new WeakMap<Group, { readonly text: string; readonly fixes: readonly RangeEnd[] }>();

function endsOf(group: Group): { readonly text: string; readonly fixes: readonly RangeEnd[] } {
  const known = ends.get(group);
  if (known !== undefined) return known;
  const fixes = group.fixes.map(({ end }) => end);
  const found = { text: list([...new Set(fixes.map(({ version }) => version))]), fixes };
  ends.set(group, found);
  return found;
}

function restOf(group: Group, version: string): string {
  const { text } = endsOf(group);
  return text === '' ? 'no fix is known' : `its fixes are in ${text}, not all of which ${version} contains`;
}

function factsOf(group: Group, version: string): Evidence['facts'] {
  return { version, introduced: group.introduced, fixes: endsOf(group).fixes };
}

/** Between the two ends of a span, or beside a record that contradicts itself, nothing is decided. */
function undecided(open: Group, version: string, { why }: VersionSpan): ReturnType<typeof rangesRung> {
  const fixes = [...new Set(open.fixes.map(({ end }) => end.version))];
  const rest = fixes.length === 0 ? 'no fix is known' : `was fixed in ${list(fixes)}`;
  const reason = why === null ? 'The ranges contradict each other' : `"${version}" ${why}`;
  return unknown(`${reason}: the vulnerable code came in ${originOf(open)} and ${rest}.`, factsOf(open, version));
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
