import type { ChangedFunction, FileChange } from './change.ts';
import { type Finding, finding, some } from './finding.ts';
import type { Family, Surroundings } from './surroundings.ts';

/** Freed after start, or never there once it is built in (include/linux/init.h). */
const INIT =
  /\b(?:__init|__exit|__meminit|__memexit|__cpuinit|__devinit|__devexit|__init_or_module|__initdata|__initconst|__exitdata|asmlinkage_init)\b/;
/** Plain code when namespaces of the network are configured (include/net/net_namespace.h). */
const NET_INIT = /\b__net_(?:init|exit|initdata)\b/;
/** include/linux/init.h, module.h: each is called once, at start. */
const INIT_CALL = /^(?:module_init|module_exit|\w*_initcall\w*|__setup|early_param|console_initcall)\(/;
const PROBE = /(?:^|_)(?:probe|attach)$/;
/** Code of the start of a processor or the machine that is not marked so. */
const BOOT_PATHS =
  /^arch\/[^/]+\/kernel\/(?:cpu\/(?!resctrl|sgx|mce|microcode)[^/]+|setup|smpboot|apic\/\w+|head\w*|e820|tsc)\.c$/;

/** Hazard 6: code and data of the start, a finding a hunk, so that exactly that hunk can be left out. */
export const init: Family = (change, around) => {
  const found: Finding[] = [];
  const areas = areasOf(change, around);
  for (const [hunk, lines] of change.hunks.entries()) {
    const changed = [
      ...lines.before.filter((line) => isCode(change.before.lines, line)).map((line) => areas.before(line)),
      ...lines.after.filter((line) => isCode(change.after.lines, line)).map((line) => areas.after(line)),
    ];
    const names = [...new Set(changed.filter((name) => name !== undefined))];
    if (names.length === 0) continue;
    const place = { path: change.path, line: lines.after[0] ?? lines.before[0] ?? null, hunk };
    const isWhole = changed.every((name) => name !== undefined);
    const what = `hunk ${hunk + 1} changes ${some(names)}, which only start or removal uses`;
    found.push(
      isWhole ? finding('init-code', place, what) : finding('init-mixed', { path: place.path, line: place.line }, what),
    );
  }
  return [...found, ...runsOnce(change)];
};

/** The whole patch is start-up code. */
export function initOnly({ changes }: Surroundings, found: readonly Finding[]): Finding[] {
  const init = found.filter(({ code }) => code === 'init-code');
  const functions = changes.flatMap((change) => change.functions);
  if (init.length === 0 || functions.length === 0) return [];
  const isInit = (fn: ChangedFunction): boolean => INIT.test((fn.after ?? fn.before)!.head);
  if (!functions.every(isInit)) return [];
  const { path, line } = init[0]!;
  return [
    finding(
      'init-only',
      { path, line },
      `every changed function only runs at start or removal: ${some(functions.map(({ name }) => name))}`,
    ),
  ];
}

interface Areas {
  readonly before: (line: number) => string | undefined;
  readonly after: (line: number) => string | undefined;
}

function areasOf({ before, after }: FileChange, around: Surroundings): Areas {
  const hasNamespaces = /^CONFIG_NET_NS=y$/m.test(around.textOf('.config') ?? '');
  const isInit = (text: string): boolean => INIT.test(text) || (!hasNamespaces && NET_INIT.test(text));
  const lookup = (source: FileChange['before']) => {
    const areas = [
      ...[...source.functions.values()].filter(({ head }) => isInit(head)),
      ...[...source.items.values()].filter(({ kind, name, canonical }) =>
        kind === 'macro' ? INIT_CALL.test(name) : kind === 'variable' && isInit(canonical),
      ),
    ];
    return (line: number): string | undefined => areas.find(({ first, last }) => line >= first && line <= last)?.name;
  };
  return { before: lookup(before), after: lookup(after) };
}

function isCode(lines: readonly string[], line: number): boolean {
  return (lines[line - 1] ?? '').trim() !== '';
}

function runsOnce({ path, functions }: FileChange): Finding[] {
  if (BOOT_PATHS.test(path)) {
    const names = functions.map(({ name }) => name);
    if (names.length === 0) return [];
    return [
      finding(
        'runs-once',
        { path, line: functions[0]!.line },
        `${some(names)}: code of the start of a processor or of the machine`,
      ),
    ];
  }
  return functions
    .filter(({ name, before, after }) => PROBE.test(name) && before !== undefined && after !== undefined)
    .map(({ name, line }) => finding('runs-once', { path, line }, `${name} runs when a device is bound`));
}
