import type { ObjectCode } from '#kernel';
import { type Finding, finding, some } from '#patch';

const SUFFIX = /\.(?:constprop|isra|part|cold)(?:\.\d+)?/g;
const INIT = /^\.(?:init|exit|meminit|memexit)\.text/;
/** Refused by the engines as they stand, and reachable through callers (include/asm-generic/vmlinux.lds.h). */
const SECTIONS = /^\.(?:ref|sched|cpuidle|spinlock|softirqentry|irqentry)\.text/;
/** Not to be traced at all. */
const UNTRACED = /^\.(?:noinstr|entry|kprobes|head)\.text/;

export interface FunctionOptions {
  /** Functions that the diff names; undefined: not known. */
  readonly expected?: ReadonlySet<string> | undefined;
  /** How often the kernel has a function of a name. */
  readonly names?: ReadonlyMap<string, number> | undefined;
}

/** Hazards 6, 7, 9, 10 and 16 in the objects: functions that come out otherwise. */
export function functionFindings(
  object: string,
  before: readonly ObjectCode[],
  after: readonly ObjectCode[],
  { expected, names }: FunctionOptions,
): Finding[] {
  const place = { path: object, line: null };
  const old = new Map(before.map((one) => [one.name, one]));
  const changed = after.filter(({ name, digest }) => old.has(name) && old.get(name)!.digest !== digest);
  const found: Finding[] = [];
  const list = (code: Finding['code'], words: string, which: readonly ObjectCode[]): void => {
    if (which.length === 0) return;
    found.push(finding(code, place, `${words}: ${some(which.map(({ name, section }) => `${name} (${section})`))}`));
  };
  list(
    'object-init',
    'code of the start changes',
    changed.filter(({ section }) => INIT.test(section)),
  );
  list(
    'object-section',
    'the engines refuse',
    changed.filter(({ section }) => SECTIONS.test(section)),
  );
  const untraced = changed.filter(
    ({ section, name }) => !INIT.test(section) && !SECTIONS.test(section) && !isCold(name),
  );
  list(
    'object-no-fentry',
    'no call to the function tracer',
    untraced.filter(({ section, name }) => UNTRACED.test(section) || !old.get(name)!.isTraced),
  );
  const gone = before.filter(({ name }) => !after.some((one) => one.name === name));
  found.push(...suffixFindings(object, before, after));
  const bases = [...new Set([...changed, ...gone].map(({ name }) => baseOf(name)))];
  const surprising = expected === undefined ? [] : bases.filter((name) => !expected.has(name));
  if (surprising.length > 0)
    found.push(
      finding('object-blast', place, `${some(surprising, 20)} come out otherwise, and the diff does not name them`),
    );
  const double = changed.filter(({ name }) => (names?.get(name) ?? 0) > 1);
  if (double.length > 0)
    found.push(
      finding('object-duplicate-name', place, some(double.map(({ name }) => `${name} (${names!.get(name)} times)`))),
    );
  return found;
}

function isCold(name: string): boolean {
  return /\.cold(?:\.|$)/.test(name);
}

function baseOf(name: string): string {
  return name.replace(SUFFIX, '');
}

function suffixFindings(object: string, before: readonly ObjectCode[], after: readonly ObjectCode[]): Finding[] {
  const [was, is] = [suffixes(before), suffixes(after)];
  const other = [...new Set([...was.keys(), ...is.keys()])].filter(
    (name) => (was.get(name) ?? '') !== (is.get(name) ?? ''),
  );
  if (other.length === 0) return [];
  const words = other.map((name) => `${name}: ${was.get(name) || 'whole'} before, ${is.get(name) || 'whole'} after`);
  return [finding('object-suffix', { path: object, line: null }, some(words))];
}

function suffixes(all: readonly ObjectCode[]): Map<string, string> {
  const found = new Map<string, string[]>();
  for (const { name } of all) {
    const suffix = name.match(SUFFIX)?.join('');
    if (suffix !== undefined) found.set(baseOf(name), [...(found.get(baseOf(name)) ?? []), suffix]);
  }
  return new Map([...found].map(([name, list]) => [name, list.toSorted().join(' ')]));
}

/** How often each name of a function stands in what `nm vmlinux` prints. */
export function functionNames(nm: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [, name] of nm.matchAll(/^[0-9a-f]+ [tTwW] (\S+)$/gm)) counts.set(name!, (counts.get(name!) ?? 0) + 1);
  return counts;
}
