import {
  type Evidence,
  type Fleet,
  isAskedByName,
  type ModuleExposure,
  moduleExposures,
  neededBy,
  type ObjectComparison,
  type Verdict,
  wayIn,
} from '#domain';
import type { FileFinding } from './file-finding.ts';

/** Hosts, aliases and modules named in a sentence. */
const HOSTS_SHOWN = 5;
const ALIASES_SHOWN = 3;
const MODULES_SHOWN = 3;

/**
 * The last rung: who has the vulnerable code loaded, or can have it loaded. It never clears and never changes a status:
 * what is loaded nowhere today is loaded tomorrow, by any user where an alias leads to it. It says how exposed an
 * affected kernel is, which counts in the priority.
 */
export function withFleet(verdict: Verdict, fleet: Fleet | null | undefined): Verdict {
  if (verdict.status !== 'affected' || !fleet) return verdict;
  const targets = targetsOf(verdict.evidence);
  if (targets.length === 0) return verdict;
  return { ...verdict, evidence: [...verdict.evidence, fleetRung(targets, fleet)] };
}

/** What the fleet rung found; null where it said nothing: then nothing may count as less exposed. */
export function exposureOf(evidence: readonly Evidence[]): ModuleExposure | null {
  const said = evidence.findLast(({ rung }) => rung === 'fleet')?.facts['exposure'];
  return moduleExposures.find((one) => one === said) ?? null;
}

/** Where the code that the fix changes is: by the objects that differ where they were compiled, else by the files. */
function targetsOf(evidence: readonly Evidence[]): string[] {
  const compared = evidence.findLast(({ rung, outcome }) => rung === 'object' && outcome === 'supports');
  const different = ((compared?.facts['objects'] ?? []) as ObjectComparison[]).filter(({ same }) => !same);
  if (different.length > 0) return [...new Set(different.map(({ target }) => target))].sort();
  const build = evidence.findLast(({ rung }) => rung === 'build');
  const findings = (build?.facts['findings'] ?? []) as FileFinding[];
  return [...new Set(findings.flatMap((one) => (one.kind === 'compiled' ? one.targets : [])))].sort();
}

/** Most CVEs of a kernel share their targets. */
const told = new WeakMap<Fleet, Map<string, Evidence>>();

function fleetRung(targets: readonly string[], fleet: Fleet): Evidence {
  const known = told.get(fleet) ?? new Map<string, Evidence>();
  told.set(fleet, known);
  const key = targets.join(' ');
  const evidence = known.get(key) ?? tell(targets, fleet);
  known.set(key, evidence);
  return evidence;
}

interface Finding {
  readonly module: string;
  readonly exposure: ModuleExposure;
  readonly sentence: string;
}

function tell(targets: readonly string[], fleet: Fleet): Evidence {
  // vmlinux, and images that run with it, are on every host of this kernel.
  const fixed = targets.find((target) => target === 'vmlinux' || target === 'image');
  const findings =
    fixed === undefined
      ? targets.map((target) => moduleFinding(target, fleet)).toSorted((a, b) => rankOf(a) - rankOf(b))
      : [{ module: fixed, exposure: 'always' as const, sentence: 'It is in vmlinux: on every host of this kernel' }];
  const exposure = findings[0]?.exposure ?? 'unknown';
  const shown = findings.slice(0, MODULES_SHOWN).map(({ sentence }) => sentence);
  const more = findings.length - shown.length;
  return {
    rung: 'fleet',
    outcome: 'inconclusive',
    sentence: `${shown.join('; ')}${more > 0 ? `; and ${more} more modules, no more exposed than these` : ''}.`,
    facts: { exposure, modules: findings.map(({ module, exposure: one }) => ({ module, exposure: one })) },
  };
}

function rankOf({ exposure }: Finding): number {
  return moduleExposures.indexOf(exposure);
}

function moduleFinding(module: string, fleet: Fleet): Finding {
  const { reports, silent, days } = fleet;
  const [canBe, ways] = loadability(module, fleet);
  const loaded = reports.filter(({ modules }) => modules.has(module)).map(({ host }) => host);
  if (loaded.length > 0) {
    const rest = loaded.length - HOSTS_SHOWN;
    const names = `${loaded.slice(0, HOSTS_SHOWN).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
    const sentence = `${module} is loaded on ${loaded.length} of ${hosts(reports.length)} that reported (${names})`;
    return { module, exposure: 'loaded', sentence };
  }
  if (reports.length === 0 || silent > 0) {
    const quiet = silent > 0 ? `${hosts(silent)} said nothing for ${days} days` : 'no host has reported';
    const sentence = `It is not known whether ${module} is loaded anywhere: ${quiet}; ${ways}`;
    return { module, exposure: 'unknown', sentence };
  }
  const nowhere = `${module} is loaded nowhere among ${hosts(reports.length)} that reported in the last ${days} days`;
  if (isKeptOut(module, fleet))
    return { module, exposure: 'blocked', sentence: `${nowhere}, and modprobe.d keeps it out on each of them` };
  return { module, exposure: canBe, sentence: `${nowhere}, but ${ways}` };
}

function hosts(count: number): string {
  return `${count} host${count === 1 ? '' : 's'}`;
}

/** What can have a module loaded, in words. Without module data the worst is assumed and said. */
function loadability(module: string, { facts }: Fleet): ['on-demand' | 'hardware' | 'by-name', string] {
  const way = facts === null ? null : wayIn(facts, module);
  if (way === null) return ['on-demand', 'it is not known what can have it loaded'];
  const via = way.via.slice(0, ALIASES_SHOWN).join(', ');
  if (way.kind === 'on-demand') return [way.kind, `a program can have it loaded: ${via}`];
  if (way.kind === 'hardware') return [way.kind, `its hardware has it loaded: ${via}`];
  return [way.kind, 'its name alone has it loaded (by root, or by kernel code that asks for it)'];
}

/**
 * `install` of a program that does nothing keeps a module out. `blacklist` takes its aliases away alone: it keeps out what
 * no other module needs and what the kernel does not ask for by name (modprobe.d(5)).
 */
function isKeptOut(module: string, { facts, reports }: Fleet): boolean {
  const aliasesOnly =
    facts?.modules.has(module) === true && neededBy(facts, module).length === 0 && !isAskedByName(module);
  return reports.every(({ blocked, blacklisted }) => blocked.has(module) || (aliasesOnly && blacklisted.has(module)));
}
