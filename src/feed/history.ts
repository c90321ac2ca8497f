import type { CveId, CveRecord, CveState, Range } from '#domain';
import type { Git } from '#host';
import { listVulns, readRecords } from './vulns.ts';

const MAX_COMMITS = 500;

/** One change of a CVE's record: what is said, a sentence each. */
export interface RecordChange {
  readonly at: Date;
  readonly commit: string;
  readonly changes: readonly string[];
}

/** `since`: the oldest commit of the clone; `whole`: nothing came before it. */
export interface RecordHistory {
  readonly changes: readonly RecordChange[];
  readonly since: Date | null;
  readonly whole: boolean;
}

/** What vulns.git's history says of one CVE, as far back as this clone reaches. */
export async function recordHistory(git: Git, id: CveId): Promise<RecordHistory> {
  const year = id.split('-')[1]!;
  const paths = ['published', 'rejected'].map((state) => `cve/${state}/${year}/${id}.*`);
  const lines = await git.lines(
    'log',
    `--max-count=${MAX_COMMITS}`,
    '--reverse',
    '--format=%H %cI',
    'HEAD',
    '--',
    ...paths,
  );
  const { since, whole, roots } = await reach(git);
  const changes: RecordChange[] = [];
  let before: Snapshot | null = null;
  for (const line of lines) {
    const [commit = '', time = ''] = line.split(' ');
    const now = await snapshot(git, commit, id);
    const oldest = before === null && roots.has(commit) && !whole;
    const said = oldest && now !== null ? [`as it was: ${describe(now)}`] : difference(before, now);
    if (said.length > 0) changes.push({ at: new Date(time), commit, changes: said });
    before = now ?? before;
  }
  return { changes, since, whole };
}

async function reach(git: Git): Promise<{ since: Date | null; whole: boolean; roots: Set<string> }> {
  const roots = await git.lines('log', '--max-parents=0', '--format=%H %cI', 'HEAD');
  const times = roots.map((line) => Date.parse(line.split(' ')[1] ?? '')).filter((time) => !Number.isNaN(time));
  const [shallow] = await git.lines('rev-parse', '--is-shallow-repository');
  return {
    since: times.length === 0 ? null : new Date(Math.min(...times)),
    // The real vulns.git begins in February 2024; a clone that was cut some other way says so by its first commit.
    whole: shallow === 'false' && times.some((time) => time < Date.UTC(2024, 5, 1)),
    roots: new Set(roots.map((line) => line.split(' ')[0]!)),
  };
}

interface Snapshot {
  readonly state: CveState;
  /** null: the record could not be read then; `why` says so. */
  readonly record: CveRecord | null;
  readonly score: number | null;
  readonly why: string;
}

async function snapshot(git: Git, commit: string, id: CveId): Promise<Snapshot | null> {
  const entry = (await listVulns(git, commit, id)).get(id);
  if (entry === undefined) return null;
  for await (const item of readRecords(git, [entry])) {
    if (item.kind === 'record') return { state: entry.state, record: item.record, score: item.score, why: '' };
    return { state: entry.state, record: null, score: null, why: item.quarantined.reason };
  }
  return null;
}

function describe({ state, record, score, why }: Snapshot): string {
  if (record === null) return `${state}, unreadable: ${why}`;
  const scored = score === null ? 'not scored' : `scored ${score}`;
  return `${state}, ${scored}, ${fixesOf(record.ranges).size} fixes`;
}

function difference(before: Snapshot | null, now: Snapshot | null): string[] {
  if (now === null) return before === null ? [] : ['gone: neither published nor rejected'];
  if (before === null) return [`appeared: ${describe(now)}`];
  const said: string[] = [];
  if (before.state !== now.state) said.push(now.state === 'rejected' ? 'rejected' : 'published again');
  if (now.record === null) return [...said, `cannot be read: ${now.why}`];
  if (before.record === null) return [...said, `can be read again: ${describe(now)}`];
  const [old, record] = [before.record, now.record];
  if (before.score !== now.score || old.cvssVector !== record.cvssVector) said.push(scoreChange(before, now));
  said.push(...sets('fix', fixesOf(old.ranges), fixesOf(record.ranges)));
  said.push(...sets('introduction', introductionsOf(old.ranges), introductionsOf(record.ranges)));
  said.push(...sets('file', new Set(old.files), new Set(record.files)));
  said.push(...sets('hand-set introducing commit', new Set(old.vulnerableCommits), new Set(record.vulnerableCommits)));
  if (old.title !== record.title) said.push(`title: "${record.title}"`);
  if (old.description !== record.description) said.push('description reworded');
  return said;
}

function scoreChange(before: Snapshot, now: Snapshot): string {
  const words = ({ score, record }: Snapshot): string =>
    score === null ? 'not scored' : `${score} (${record?.cvssVector ?? ''})`;
  return `score: ${words(before)} → ${words(now)}`;
}

function fixesOf(ranges: readonly Range[]): Set<string> {
  return new Set(ranges.flatMap(({ fixed }) => (fixed === null ? [] : [nameOf(fixed)])));
}

function introductionsOf(ranges: readonly Range[]): Set<string> {
  return new Set(ranges.flatMap(({ introduced }) => (introduced === null ? [] : [nameOf(introduced)])));
}

function nameOf({ version, commit }: { version: string; commit: string | null }): string {
  return commit === null ? version : `${version} (${commit.slice(0, 12)})`;
}

function sets(what: string, old: ReadonlySet<string>, now: ReadonlySet<string>): string[] {
  const added = [...now].filter((one) => !old.has(one)).map((one) => `${what} added: ${one}`);
  const removed = [...old].filter((one) => !now.has(one)).map((one) => `${what} removed: ${one}`);
  return [...added, ...removed];
}
