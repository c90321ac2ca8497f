import { join } from 'node:path';
import type { Evidence, Proof, Verdict } from '#domain';
import { treeLayout } from '#kernel';
import type { KernelRow } from '#store';

/** As one word of a shell, whatever it holds: paths come from records, names from people. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** As the build rung names it (triage/build-rung.ts). */
const HISTORY = 'the history of the fixes';

interface Moved {
  readonly path: string;
  readonly why?: string;
  readonly predicted?: string;
  readonly moved?: { readonly to: string; readonly how: string };
}

interface FoundFunction {
  readonly object: string | null;
  readonly symbol: string | null;
}

interface Condition {
  readonly path: string;
  readonly from: number;
  readonly at: number | null;
  readonly symbols: readonly string[];
}

/** The source from the first condition to the change, and what the configuration says of the symbols of all of them. */
function conditionReplay(tree: string, conditions: readonly Condition[] | undefined): string | null {
  const first = conditions?.[0];
  if (conditions === undefined || first === undefined) return null;
  const last = Math.max(first.from, first.at ?? first.from);
  const show = `sed -n ${first.from},${last}p ${tree}/${quoted(first.path)}`;
  const symbols = [...new Set(conditions.flatMap((one) => one.symbols))].filter((name) => /^CONFIG_\w+$/.test(name));
  if (symbols.length === 0) return show;
  return `${show}; grep -wE -e ${quoted(symbols.join('|'))} ${tree}/.config ${tree}/include/config/auto.conf`;
}

/** Which command files name the paths, which units of the debug information do, or what their conditions are here. */
function buildReplay(origin: KernelRow['origin'], findings: readonly Moved[], tree: string | null): string | null {
  if (findings.length === 0) return null;
  const words = findings.map(({ path, moved }) => `-e ${quoted(moved?.to ?? path)}`).join(' ');
  if (origin === 'debug-info')
    return `find DEBUG -name 'vmlinux*' -o -name '*.ko*' | xargs -n1 readelf -wi --dwarf-depth=1 | grep -F ${words}`;
  if (origin !== 'config') return tree && `grep -rlF --include='.*.cmd' ${words} ${tree}`;
  const conditions = findings.map(({ why, predicted }) => `${why ?? ''} ${predicted ?? ''}`).join(' ');
  const symbols = [...new Set(conditions.match(/\bCONFIG_\w+/g))];
  return symbols.length === 0 ? null : `grep -wE -e ${quoted(symbols.join('|'))} ${tree ?? 'SOURCE'}/.config`;
}

/** A command that shows the same evidence again with plain tools where it can; null where none is needed. */
export function replayOf(
  { rung, outcome, facts }: Evidence,
  { cve }: Verdict,
  kernel: KernelRow,
  dataDirectory: string,
): string | null {
  const tree = kernel.treeDirectory === '' ? null : quoted(treeLayout(kernel.treeDirectory).build);
  const source = kernel.sourceDirectory === null ? tree : quoted(kernel.sourceDirectory);
  const vulns = quoted(join(dataDirectory, 'mirrors/vulns.git'));
  switch (rung) {
    case 'state':
      return `git -C ${vulns} ls-tree -r --name-only HEAD cve/rejected | grep ${cve}`;
    case 'ranges':
      return `git -C ${vulns} show HEAD:cve/published/${cve.split('-')[1]}/${cve}.dyad`;
    case 'source': {
      const commit = (facts['fixes'] as Proof['fixes'] | undefined)?.[0]?.commit;
      const way = outcome === 'clears' ? ' --reverse' : '';
      return source && commit && /^[0-9a-f]+$/.test(commit)
        ? `patch -p1 --dry-run --fuzz=0${way} -d ${source} < ${commit}.patch`
        : null;
    }
    case 'build': {
      const moved = (facts['findings'] as readonly Moved[] | undefined)?.find((one) => one.moved?.how === HISTORY);
      if (moved !== undefined)
        return `git -C FIXES log --follow -M --diff-filter=R --name-status --format=%H -- ${quoted(moved.path)}`;
      return buildReplay(kernel.origin, (facts['findings'] as readonly Moved[] | undefined) ?? [], tree);
    }
    case 'condition':
      return source === null ? null : conditionReplay(source, facts['conditions'] as readonly Condition[] | undefined);
    case 'function': {
      const found = (facts['functions'] as readonly FoundFunction[] | undefined)?.find(({ object }) => object !== null);
      if (tree === null || found?.object == null || found.symbol === null) return null;
      return `nm ${tree}/${quoted(found.object)} | grep -wF -e ${quoted(found.symbol)}`;
    }
    case 'object':
      return `tuxtape triage --kernel ${quoted(kernel.name)} prove ${cve} --fixes DIR`;
    case 'fleet': {
      const module = (facts['modules'] as { module: string }[] | undefined)?.[0]?.module;
      return module === undefined || module === 'vmlinux' || module === 'image'
        ? null
        : `tuxtape kernel hosts ${quoted(kernel.name)} --module ${quoted(module)}`;
    }
    case 'person':
      return `tuxtape triage --kernel ${quoted(kernel.name)} overrides`;
    default:
      return null;
  }
}
