import type { Evidence, Proof, Verdict } from '#domain';
import { treeLayout } from '#kernel';
import type { KernelRow } from '#store';
import { buildReplay } from './replay-build.ts';
import { type Places, quoted, STANDS_FOR } from './replay-places.ts';

interface FoundFunction {
  /** Names that it may have; `symbol` is the one that was found in `object`. */
  readonly names?: readonly string[];
  readonly symbol: string | null;
  readonly object: string | null;
  /** Where it was looked for and not found. */
  readonly objects?: readonly string[];
}

interface Condition {
  readonly path: string;
  readonly from: number;
  readonly at: number | null;
  readonly symbols: readonly string[];
}

/** The source from the first condition to the change, and what the configuration says of the symbols of all of them. */
function conditionReplay(source: string, build: string, conditions: readonly Condition[] | undefined): string | null {
  const first = conditions?.[0];
  if (conditions === undefined || first === undefined) return null;
  const last = Math.max(first.from, first.at ?? first.from);
  const show = `sed -n ${first.from},${last}p ${source}/${quoted(first.path)}`;
  const symbols = [...new Set(conditions.flatMap((one) => one.symbols))].filter((name) => /^CONFIG_\w+$/.test(name));
  if (symbols.length === 0) return show;
  return `${show}; grep -swE -e ${quoted(symbols.join('|'))} ${build}/.config ${build}/include/config/auto.conf`;
}

/** Each fix against the source, as the sentence says that it stands there; the last one first where it is taken out. */
function sourceReplay(outcome: Evidence['outcome'], fixes: Proof['fixes'], source: string, places: Places): string {
  const isIn = outcome === 'clears';
  const patch = `patch -p1 --dry-run --force --fuzz=0${isIn ? ' --reverse' : ''} -d ${source}`;
  const commits = fixes.map(({ commit }) => commit).filter((commit) => /^[0-9a-f]+$/.test(commit));
  const commands = (isIn ? commits.toReversed() : commits).map((commit) => {
    if (places.fixes === null) return `${patch} < DIR/${commit}.patch`;
    const file = places.fixes.files[commit];
    if (file !== undefined) return `${patch} < ${quoted(file)}`;
    return `git -C ${quoted(places.fixes.directory)} show --format= --no-renames --first-parent ${commit} | ${patch}`;
  });
  return `${commands.join('; ')}${places.fixes === null ? `  ${STANDS_FOR}` : ''}`;
}

/** Every function that the sentence names, in the objects where it was found or looked for. */
function functionReplay(functions: readonly FoundFunction[], tree: string): string | null {
  const objects = [...new Set(functions.flatMap(({ object, objects: looked }) => object ?? looked ?? []))];
  const names = [...new Set(functions.flatMap((one) => one.symbol ?? one.names ?? []))];
  if (objects.length === 0 || names.length === 0) return null;
  const files = objects.map((object) => `${tree}/${quoted(object)}`).join(' ');
  return `nm ${objects.length > 1 ? '-A ' : ''}${files} | grep -wF ${names.map((name) => `-e ${quoted(name)}`).join(' ')}`;
}

/** A command that shows the same evidence again with plain tools where it can; null where none is needed. */
export function replayOf(evidence: Evidence, { cve }: Verdict, kernel: KernelRow, places: Places): string | null {
  const { rung, outcome, facts } = evidence;
  const tree = kernel.treeDirectory === '' ? null : quoted(treeLayout(kernel.treeDirectory).build);
  const source = kernel.sourceDirectory === null ? tree : quoted(kernel.sourceDirectory);
  const vulns = quoted(places.vulns);
  const { tuxtape } = places;
  switch (rung) {
    case 'state':
      return `git -C ${vulns} ls-tree -r --name-only HEAD cve/rejected | grep ${cve}`;
    case 'ranges':
      return `git -C ${vulns} show HEAD:cve/published/${cve.split('-')[1]}/${cve}.dyad`;
    case 'source': {
      const fixes = facts['fixes'] as Proof['fixes'] | undefined;
      return source === null || fixes === undefined ? null : sourceReplay(outcome, fixes, source, places);
    }
    case 'build':
      return buildReplay(evidence, kernel, tree, places);
    case 'condition': {
      const conditions = facts['conditions'] as readonly Condition[] | undefined;
      return source === null ? null : conditionReplay(source, tree ?? source, conditions);
    }
    case 'function':
      return tree && functionReplay((facts['functions'] as readonly FoundFunction[] | undefined) ?? [], tree);
    case 'object': {
      const prove = `${tuxtape} triage --kernel ${quoted(kernel.name)} prove ${cve} --fixes`;
      return places.fixes === null ? `${prove} DIR  ${STANDS_FOR}` : `${prove} ${quoted(places.fixes.directory)}`;
    }
    case 'fleet': {
      const module = (facts['modules'] as { module: string }[] | undefined)?.[0]?.module;
      return module === undefined || module === 'vmlinux' || module === 'image'
        ? null
        : `${tuxtape} kernel hosts ${quoted(kernel.name)} --module ${quoted(module)}`;
    }
    case 'person':
      return `${tuxtape} triage --kernel ${quoted(kernel.name)} overrides`;
    default:
      return null;
  }
}
