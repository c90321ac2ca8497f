import type { FileDiff } from '../diff.ts';
import { type Finding, finding } from './finding.ts';

const BUILD_FILES = /(?:^|\/)(?:Kconfig[^/]*|Makefile[^/]*|Kbuild[^/]*)$|^(?:scripts|tools|certs|usr)\/|^\./;
/** No function tracer entry there: klp-build refuses the same (scripts/livepatch/klp-build), kpatch cannot see them. */
const UNPATCHABLE = /\.S$|(?:^|\/)vdso(?:32|64)?\/|(?:^|\/)realmode\/|^arch\/[^/]+\/boot\/|^arch\/[^/]+\/purgatory\//;
/**
 * What redirects functions, runs while it does, or reports on it: livepatch, ftrace, the unwinder, text patching, the module
 * loader, printk, NMI and entry code.
 */
const CORE = [
  /^kernel\/(?:livepatch|module|printk|entry)\//,
  /^kernel\/(?:module|jump_label|static_call|static_call_inline|stacktrace)\.c$/,
  /^kernel\/trace\/(?:ftrace|fgraph|trace_functions|trace_functions_graph)\.c$/,
  /^arch\/[^/]+\/entry\//,
  /^arch\/[^/]+\/kernel\/(?:ftrace|nmi|alternative|jump_label|static_call|unwind_\w+|stacktrace|module|entry\w*)\.c$/,
];

/** A file that would change how the kernel is built; undefined: the patch has none. */
export function buildFile(files: readonly FileDiff[]): FileDiff | undefined {
  return files.find(({ path }) => BUILD_FILES.test(path));
}

/** Hazards 8, 29 and 33: what the path alone says. A file that is found here is looked at no further. */
export function pathFindings(file: FileDiff): Finding[] {
  const place = { path: file.path, line: file.hunks[0]?.oldStart ?? 1 };
  if (BUILD_FILES.test(file.path)) return [finding('patch-touches-build', place)];
  if (UNPATCHABLE.test(file.path)) return [finding('assembly-changed', place)];
  if (CORE.some((paths) => paths.test(file.path))) return [finding('core-code', place)];
  return [];
}
