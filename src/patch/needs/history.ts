import { dirname } from 'node:path';
import { formatKernelVersion, parseKernelVersion } from '#domain';
import type { Git } from '#host';
import { askGit } from '../ask-git.ts';
import type { FileDiff } from '../diff.ts';
import { presenceOf } from '../presence.ts';
import { declaringPaths } from './declares.ts';
import { isMissing, isOwn, type Need, type NeedQuestion, readChange } from './need.ts';

const TIMEOUT_MS = 30_000;
const MAX_COMMITS = 50;
const MAX_HUNKS = 12;

interface Told {
  readonly commit: string;
  readonly subject: string;
  readonly why: string;
}

/** Asks a repository which commits between the kernel's version and the fix made what it stands on. */
export async function needsInHistory(question: NeedQuestion, git: Git): Promise<Need[]> {
  const { step, names, fixes, options } = question;
  if (step.commit === null) return [];
  const until = `${step.commit}^`;
  const base = await tagOf(git, question.version);
  const range = base === null ? [until] : [until, `^${base}`];
  const told = names.length > 0 ? await named(question, git, range) : await blamed(question, git, range);
  const found: Need[] = [];
  for (const { commit, subject, why } of told.slice(0, MAX_COMMITS)) {
    if (isOwn(step, commit)) continue;
    const files = await readChange(fixes, commit);
    // What cannot be read of a commit does not make it any less needed.
    if (files !== null && !(await isMissing(files, options))) continue;
    found.push({ commit, subject, how: 'history', why });
  }
  return found;
}

async function tagOf(git: Git, version: string): Promise<string | null> {
  const parsed = parseKernelVersion(version);
  if (parsed === undefined) return null;
  const tag = `refs/tags/v${formatKernelVersion(parsed)}`;
  return (await askGit(git, ['rev-parse', '--verify', '--quiet', `${tag}^{commit}`], TIMEOUT_MS)) === '' ? null : tag;
}

/** Commits that wrote the lines which the hunks that do not fit stand on (git-blame(1), porcelain format). */
async function blamed({ step, options }: NeedQuestion, git: Git, range: readonly string[]): Promise<Told[]> {
  const { finding } = await presenceOf(step.files, options.source);
  const lost = new Set(
    finding.hunks.filter(({ state }) => state === 'unclear').map(({ path, line }) => `${path}:${line}`),
  );
  const told = new Map<string, Told>();
  let asked = 0;
  for (const file of step.files)
    for (const { oldStart, lines } of file.hunks) {
      const length = lines.filter(({ kind }) => kind !== '+').length;
      if (length === 0 || asked >= MAX_HUNKS || !lost.has(`${file.path}:${oldStart}`)) continue;
      asked += 1;
      const where = ['-L', `${oldStart},+${length}`, ...range, '--', file.path];
      const why = `wrote lines that the fix stands on (${file.path}:${oldStart})`;
      for (const one of readBlame(await askGit(git, ['blame', '--porcelain', ...where], TIMEOUT_MS)))
        told.set(one.commit, { ...one, why });
    }
  return [...told.values()];
}

/** Commits of porcelain output, without those at the border of what was asked. */
function readBlame(text: string): Omit<Told, 'why'>[] {
  const found = new Map<string, { subject: string; isBorder: boolean }>();
  let commit = '';
  for (const line of text.split('\n')) {
    const head = /^([0-9a-f]{40,64}) \d+ \d+/.exec(line)?.[1];
    if (head !== undefined) commit = head;
    else if (line.startsWith('summary ')) found.set(commit, { subject: line.slice(8), isBorder: false });
    else if (line === 'boundary' && found.has(commit)) found.set(commit, { ...found.get(commit)!, isBorder: true });
  }
  return [...found].flatMap(([name, { subject, isBorder }]) => (isBorder ? [] : [{ commit: name, subject }]));
}

/** Commits that brought a name, the oldest first; they are looked for near the fix and in the shared headers. */
async function named({ step, names, fixes }: NeedQuestion, git: Git, range: readonly string[]): Promise<Told[]> {
  const paths = [...new Set([...step.files.map(({ path }) => dirname(path)), 'include'])];
  const told: Told[] = [];
  for (const name of names) {
    const how = ['--reverse', `--max-count=${MAX_COMMITS}`, '--format=%H %s', `-G${name}`];
    const lines = (await askGit(git, ['log', ...how, ...range, '--', ...paths], TIMEOUT_MS)).split('\n');
    for (const [, commit, subject] of lines.map((line) => /^([0-9a-f]{40,64}) (.*)$/.exec(line) ?? [])) {
      if (commit === undefined || subject === undefined || told.some((one) => one.commit === commit)) continue;
      const [path] = declaringPaths((await readChange(fixes, commit)) ?? ([] as FileDiff[]), name);
      if (path !== undefined) told.push({ commit, subject, why: `brings ${name} in ${path}` });
    }
  }
  return told;
}
