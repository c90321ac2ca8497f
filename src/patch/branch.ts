import { type CveRecord, compareKernelVersions, type KernelVersion, parseKernelVersion, type RangeEnd } from '#domain';

/** Where a fix stands, seen from a kernel: the nearer the branch, the less its change has to be adapted. */
export type FixBranch = 'own-branch' | 'newer-branch' | 'mainline' | 'older-branch' | 'unknown';

export interface FixChoice {
  readonly commit: string;
  /** Version that first carries it. */
  readonly version: string;
  readonly branch: FixBranch;
}

interface Ranked extends FixChoice {
  readonly at: KernelVersion;
  readonly rank: 0 | 1 | 2;
}

/**
 * Fixes of a CVE in the order to try them for a kernel: its own stable branch, then the nearest branch above it, and so
 * on up to mainline, then the nearest below.
 */
export function fixesInOrder(record: CveRecord, version: string): FixChoice[] {
  const kernel = parseKernelVersion(version);
  const ends = record.ranges.flatMap(({ fixed }) => (fixed?.commit ? [fixed] : []));
  const unique = [...new Map(ends.map((end) => [end.commit, end])).values()];
  const choices = unique.map((end) => rankedOf(end, kernel));
  if (kernel !== undefined) choices.sort(nearestFirst);
  return choices.map(({ commit, version: fixed, branch }) => ({ commit, version: fixed, branch }));
}

function rankedOf({ commit, version }: RangeEnd, kernel: KernelVersion | undefined): Ranked {
  const at = parseKernelVersion(version) ?? { mainline: [0], patch: 0, rc: undefined };
  if (kernel === undefined) return { commit: commit ?? '', version, branch: 'unknown', at, rank: 0 };
  const base = { patch: 0, rc: undefined };
  const order = compareKernelVersions({ ...at, ...base }, { ...kernel, ...base });
  const branch = order === 0 ? 'own-branch' : order < 0 ? 'older-branch' : at.patch === 0 ? 'mainline' : 'newer-branch';
  return { commit: commit ?? '', version, branch, at, rank: order === 0 ? 0 : order > 0 ? 1 : 2 };
}

function nearestFirst(a: Ranked, b: Ranked): number {
  return a.rank - b.rank || (a.rank === 2 ? compareKernelVersions(b.at, a.at) : compareKernelVersions(a.at, b.at));
}

/** The stable branch of a version: `6.1` of 6.1.175. */
export function branchOf(version: string): string {
  return parseKernelVersion(version)?.mainline.join('.') ?? version;
}

/** Why this fix and no nearer one, in a sentence; `passed` are the nearer ones that the source does not have. */
export function reasonOf(choice: FixChoice, kernel: string, passed: readonly FixChoice[]): string {
  const own = branchOf(kernel);
  const is = `${choice.commit.slice(0, 12)} of ${choice.version}`;
  const lost =
    passed.length === 0
      ? ''
      : `; nearer, but not in this source: ${passed.map(({ commit, version }) => `${commit.slice(0, 12)} of ${version}`).join(', ')}`;
  return `${is} is ${WHICH[choice.branch](own, branchOf(choice.version))}${lost}`;
}

const WHICH: Readonly<Record<FixBranch, (own: string, its: string) => string>> = {
  'own-branch': (own) => `the fix of the kernel's own branch, ${own}`,
  'newer-branch': (own, its) => `of the nearest stable branch above ${own}, ${its}`,
  mainline: (own) => `the fix of mainline: no stable branch from ${own} on has a nearer one`,
  'older-branch': (own, its) => `of the nearest branch below ${own}, ${its}: there is none from ${own} on`,
  unknown: (own) =>
    `the first that the record names: the version of the kernel, ${JSON.stringify(own.slice(0, 40))}, cannot be read`,
};
