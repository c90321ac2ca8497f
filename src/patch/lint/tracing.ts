import type { ChangedFunction } from './change.ts';
import { type Finding, finding } from './finding.ts';
import { commandPath, type Family, isHeader, readersOf, type Surroundings } from './surroundings.ts';

/** include/linux/compiler_types.h, include/linux/kprobes.h, asm/idtentry.h: nothing is traced there. */
const NOTRACE =
  /\b(?:notrace|noinstr|__no_instrument_function__|__noendbr|__kprobes|nokprobe_inline|noinstr_text|__entry_text|__noinstr_section|__irq_entry_nt|DEFINE_IDTENTRY\w*|__visible_for_entry)\b/;
const SECTION =
  /\b(?:__sched|__ref|__lockfunc|__cpuidle|__softirq_entry|__spinlock|__always_unused_section)\b|__section \(/;
const TRACED = /\s(?:-mfentry|-pg|-fpatchable-function-entry\S*)(?:\s|$)/;

/** Hazard 7: functions and objects that nothing can redirect. */
export const tracing: Family = (change, around) => [
  ...change.functions.flatMap((fn) => functionFindings(change.path, fn)),
  ...objectFindings(change.path, change.functions, around),
];

function functionFindings(path: string, { name, before, after, line }: ChangedFunction): Finding[] {
  // A new function need not be redirected.
  if (before === undefined) return [];
  const head = `${before.head} ${after?.head ?? ''}`;
  if (NOTRACE.test(head))
    return [finding('notrace-code', { path, line }, `${name} is not seen by the function tracer`)];
  if (SECTION.test(head)) return [finding('section-code', { path, line }, `${name} lies in a section of its own`)];
  return [];
}

function objectFindings(path: string, functions: readonly ChangedFunction[], around: Surroundings): Finding[] {
  const first = functions.find(({ before }) => before !== undefined);
  if (first === undefined || isHeader(path)) return [];
  const place = { path, line: first.line };
  const untraced = objectsOf(path, around).filter((object) => {
    const command = around.textOf(commandPath(object));
    return command !== undefined && !TRACED.test(command.slice(0, Math.max(0, command.indexOf('\n'))));
  });
  if (untraced.length > 0)
    return [
      finding('no-ftrace-object', place, `${untraced.join(', ')} is compiled without calls to the function tracer`),
    ];
  const folder = path.slice(0, path.lastIndexOf('/'));
  const makefile = around.textOf(`${folder}/Makefile`);
  const object = path.slice(folder.length + 1).replace(/\.c$/, '.o');
  if (makefile !== undefined && isInArchive(makefile, object))
    return [finding('lib-object', place, `${folder}/${object} is taken out of ${folder}/lib.a`)];
  return [];
}

function objectsOf(path: string, { profile }: Surroundings): string[] {
  return (readersOf(path, profile) ?? [])
    .map((index) => profile!.objects[index]!)
    .filter(({ target }) => target !== null)
    .map(({ object }) => object);
}

/** `lib-y` and `lib-$(CONFIG_X)` of Kbuild (Documentation/kbuild/makefiles.rst, "Library file goals"). */
function isInArchive(makefile: string, object: string): boolean {
  const lines = makefile.replaceAll(/\\\n/g, ' ').matchAll(/^lib-\S+\s*[:+]?=\s*(.*)$/gm);
  return [...lines].some(([, words]) => words!.split(/\s+/).includes(object));
}
