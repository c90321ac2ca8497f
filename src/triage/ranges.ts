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
  /** As it is shown. */
  readonly name: string;
}

/** All ranges that begin with the same introducing commit: one bug in one history, with its fixes per branch. */
interface Group {
  readonly introduced: RangeEnd | null;
  /** Undefined where the origin is unknown or its version cannot be read. */
  readonly since: KernelVersion | undefined;
  readonly fixes: readonly End[];
  /** The fixes as they stand in the record, and their versions as they are shown. */
  readonly ends: readonly RangeEnd[];
  readonly endsText: string;
}

/** What is said of a record for one kernel is said for all of them. */
interface History {
  readonly groups: readonly Group[];
  /** Versions that the bugs came in with. */
  readonly origins: readonly string[];
  readonly originsText: string;
}

/** A record is held against many kernels; its versions are read once. */
const parsed = new WeakMap<readonly Range[], History>();

/**
 * Ranges grouped by introducing commit. A fix clears only the group it belongs to: a bug that came back by another
 * commit is another group (measured: counting any fix of any window clears CVEs wrongly).
 */
function historyOf(ranges: readonly Range[]): History {
  const known = parsed.get(ranges);
  if (known !== undefined) return known;
  const byOrigin = new Map<string, { introduced: RangeEnd | null; fixes: End[] }>();
  for (const { introduced, fixed } of ranges) {
    const key = introduced === null ? '' : (introduced.commit ?? `version ${introduced.version}`);
    const group = byOrigin.get(key) ?? { introduced, fixes: [] };
    if (fixed !== null) group.fixes.push(endOf(fixed));
    byOrigin.set(key, group);
  }
  const groups = [...byOrigin.values()].map(({ introduced, fixes }): Group => {
    const since = introduced === null ? undefined : parseKernelVersion(introduced.version);
    const ends = fixes.map(({ end }) => end);
    return { introduced, since, fixes, ends, endsText: list(distinct(ends.map(({ version }) => version))) };
  });
  const origins = distinct(groups.map(({ introduced }) => introduced?.version ?? ''));
  const history = { groups, origins, originsText: list(origins) };
  parsed.set(ranges, history);
  return history;
}

function endOf(end: RangeEnd): End {
  const name = end.commit ? `${end.version} (${end.commit.slice(0, 12)})` : end.version;
  return { end, since: parseKernelVersion(end.version), name };
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
function fixesIn({ fixes, since: introduced }: Group, version: KernelVersion): readonly End[] | undefined {
  // One pass, because all records are held against every kernel.
  let own: End[] | undefined;
  let ownMissing = false;
  let mainline: End | undefined;
  for (const end of fixes) {
    const { since } = end;
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
  const history = historyOf(record.ranges);
  const fixes: End[] = [];
  let open: Group | undefined;
  for (const group of history.groups) {
    const state = stateOf(group, span);
    if (state === 'affected') return { outcome: 'affected', evidence: supports(group, version) };
    if (state === 'unknown') open ??= group;
    if (state === 'fixed') fixes.push(...(fixesIn(group, span.lower) ?? []));
  }
  if (open !== undefined) return undecided(open, version, span);
  return fixes.length > 0 ? fixed(fixes, version) : notIntroduced(history, version);
}

function fixed(fixes: readonly End[], version: string): ReturnType<typeof rangesRung> {
  const names = fixes.length === 1 ? fixes[0]!.name : list(distinct(fixes.map(({ name }) => name)));
  const sentence = `Fixed in ${names}, which ${version} contains.`;
  return { outcome: 'fixed', evidence: clears(sentence, { version, fixes: fixes.map(({ end }) => end) }) };
}

function notIntroduced({ origins, originsText }: History, version: string): ReturnType<typeof rangesRung> {
  const sentence = `The vulnerable code came in ${originsText}, which ${version} does not contain.`;
  return { outcome: 'not-introduced', evidence: clears(sentence, { version, introduced: origins }) };
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
  return historyOf(record.ranges).groups.every((group) => {
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

function restOf({ endsText }: Group, version: string): string {
  return endsText === '' ? 'no fix is known' : `its fixes are in ${endsText}, not all of which ${version} contains`;
}

function factsOf({ introduced, ends }: Group, version: string): Evidence['facts'] {
  return { version, introduced, fixes: ends };
}

/** Between the two ends of a span, or beside a record that contradicts itself, nothing is decided. */
function undecided(open: Group, version: string, { why }: VersionSpan): ReturnType<typeof rangesRung> {
  const rest = open.endsText === '' ? 'no fix is known' : `was fixed in ${open.endsText}`;
  const reason = why === null ? 'The ranges contradict each other' : `"${version}" ${why}`;
  return unknown(`${reason}: the vulnerable code came in ${originOf(open)} and ${rest}.`, factsOf(open, version));
}

function clears(sentence: string, facts: Evidence['facts']): Evidence {
  return { rung: 'ranges', outcome: 'clears', sentence, facts };
}

function unknown(sentence: string, facts: Evidence['facts']): { outcome: RangeOutcome; evidence: Evidence } {
  return { outcome: 'unknown', evidence: { rung: 'ranges', outcome: 'inconclusive', sentence, facts } };
}

function distinct(words: readonly string[]): string[] {
  return words.length === 1 ? [...words] : [...new Set(words)];
}

function list(words: readonly string[]): string {
  const shown = words.slice(0, 10);
  return `${shown.join(', ')}${words.length > shown.length ? ` and ${words.length - shown.length} more` : ''}`;
}
