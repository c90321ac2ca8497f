import { type CveId, compareCveIds, compareKernelVersions, parseKernelVersion } from '#domain';
import type { FixBranch } from '../branch.ts';
import { isCode } from '../code-files.ts';
import { type FileDiff, parseDiff } from '../diff.ts';
import { PatchError } from '../error.ts';

/** One commit of a CVE's fix; without CVE and commit: a change of a person. */
export interface ComposeFix {
  readonly commit: string | null;
  readonly version: string;
  readonly branch: FixBranch;
  readonly date: number | null;
  readonly text: string;
  readonly where: string;
}

/** What one CVE adds to a cumulative change: its fixing commits, in order. */
export interface ComposePart {
  readonly cve: CveId | null;
  readonly fixes: readonly ComposeFix[];
}

/** One change to apply, for the CVEs that need it. */
export interface ComposeStep extends Omit<ComposeFix, 'text'> {
  readonly cves: readonly CveId[];
  /** Texts as bytes, a character each: sources of the kernel are not all UTF-8. */
  readonly files: readonly FileDiff[];
  /** Files of it that no kernel runs. */
  readonly leftOut: readonly string[];
}

interface Node {
  readonly step: ComposeStep;
  readonly text: string;
  readonly after: Set<Node>;
}

/** Above this the steps of a kernel are not one change any more. */
const MAX_STEPS = 2_000;

/**
 * The steps of a cumulative change in the order in which they are applied: that of the branches and versions, in a version
 * that of the dates, and never against the order within a CVE. A commit that several CVEs name is one step. The order
 * does not depend on that of the parts. Errors: wrong-commit, when two texts are said to be one commit; those of `parseDiff`.
 */
export function planSteps(parts: readonly ComposePart[]): ComposeStep[] {
  const nodes: Node[] = [];
  for (const { cve, fixes } of parts.toSorted(byCve)) {
    let last: Node | null = null;
    for (const fix of fixes) {
      const node = nodeOf(nodes, fix, cve);
      if (last !== null && last !== node) node.after.add(last);
      last = node;
    }
  }
  if (nodes.length > MAX_STEPS)
    throw new PatchError('patch-too-large', 'input', {
      what: `the change would be composed of ${nodes.length} commits, at most ${MAX_STEPS} are taken`,
      remedy: 'build a newer kernel: most of its fixes are in there',
    });
  return sorted(nodes).map(({ step }) => step);
}

function byCve(a: ComposePart, b: ComposePart): number {
  if (a.cve === null || b.cve === null) return Number(b.cve === null) - Number(a.cve === null);
  return compareCveIds(a.cve, b.cve);
}

function nodeOf(nodes: Node[], { text, ...fix }: ComposeFix, cve: CveId | null): Node {
  const same = nodes.findIndex(({ step }) => isSameCommit(step.commit, fix.commit));
  const cves = cve === null ? [] : [cve];
  if (same < 0) {
    const all = parseDiff(Buffer.from(text).toString('latin1'), fix.where);
    const files = all.filter(({ path }) => isCode(path));
    const leftOut = all.flatMap(({ path }) => (isCode(path) ? [] : [path]));
    if (files.length === 0) throw withoutCode(fix.where, leftOut);
    const node = { step: { ...fix, cves, files, leftOut }, text, after: new Set<Node>() };
    nodes.push(node);
    return node;
  }
  const found = nodes[same]!;
  if (found.text !== text)
    throw new PatchError('wrong-commit', 'untrusted', {
      what: `commit ${fix.commit} of ${cve} is another change than under ${found.step.cves.join(', ')}`,
      where: fix.where,
      remedy: 'find out which of the two is the commit before any of them is used',
    });
  const step = { ...found.step, cves: [...new Set([...found.step.cves, ...cves])] };
  // The node stays the same object: others stand behind it.
  Object.assign(found, { step });
  return found;
}

function withoutCode(where: string, leftOut: readonly string[]): PatchError {
  return new PatchError('patch-unsupported', 'patch', {
    what: `the change is only of files that no kernel runs: ${leftOut.slice(0, 5).join(', ')}`,
    where,
    remedy: 'nothing can be livepatched here; see whether the record names the right commit',
  });
}

/** Records name commits by 7 to 40 digits. */
function isSameCommit(a: string | null, b: string | null): boolean {
  return a !== null && b !== null && (a.startsWith(b) || b.startsWith(a));
}

function sorted(nodes: readonly Node[]): Node[] {
  const left = nodes.toSorted(inTime);
  const done = new Set<Node>();
  const order: Node[] = [];
  while (left.length > 0) {
    const free = left.findIndex(({ after }) => [...after].every((node) => done.has(node)));
    // Two CVEs that name the same commits in two orders: time decides.
    const [next] = left.splice(Math.max(free, 0), 1);
    done.add(next!);
    order.push(next!);
  }
  return order;
}

const BRANCHES: readonly FixBranch[] = ['own-branch', 'newer-branch', 'mainline', 'older-branch', 'unknown'];

function inTime({ step: a, text: textA }: Node, { step: b, text: textB }: Node): number {
  const [versionA, versionB] = [parseKernelVersion(a.version), parseKernelVersion(b.version)];
  const branch = BRANCHES.indexOf(a.branch) - BRANCHES.indexOf(b.branch);
  // What has no version comes last: an order that leaves it out would not be one.
  const version =
    versionA && versionB ? compareKernelVersions(versionA, versionB) : Number(!versionA) - Number(!versionB);
  const date = (a.date ?? Infinity) - (b.date ?? Infinity) || 0;
  return branch || version || date || compareText(a.commit ?? '', b.commit ?? '') || compareText(textA, textB);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
