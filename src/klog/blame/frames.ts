import type { PatchedFunction } from '#domain';
import type { KernelReport, TraceFrame } from '../report.ts';
import { plainName } from '../reports/frames.ts';
import type { BlameReason } from './levels.ts';
import type { SuspectLivepatch } from './suspect.ts';

/** What stands between a replaced function and its new code (kernel/livepatch/patch.c, arch/x86/kernel/ftrace_64.S). */
const MACHINERY = /^(?:klp_\w+|ftrace_regs_call(?:er)?)$/;
const REASONS_MAX = 16;

/** The kernel takes `-` and `_` in names of modules for the same (include/linux/moduleparam.h). */
export function sameModule(a: string | null, b: string | null): boolean {
  return a === b || (a !== null && b !== null && a.replaceAll('-', '_') === b.replaceAll('-', '_'));
}

/** The one of those functions that this is: name without the compiler's suffixes, and object; undefined: none. */
export function functionOf(
  name: string,
  module: string | null,
  functions: readonly PatchedFunction[],
): PatchedFunction | undefined {
  const plain = plainName(name);
  return functions.find(
    (one) => plainName(one.name) === plain && sameModule(one.object === 'vmlinux' ? null : one.object, module),
  );
}

/** What the report's code addresses say of the livepatch, each thing once. */
export function traceReasons(report: KernelReport, livepatch: SuspectLivepatch): readonly BlameReason[] {
  const reasons = [...ownCode(report, livepatch), ...others(report, livepatch), ...linked(report, livepatch)];
  return [...new Map(reasons.map((reason) => [reason.text, reason])).values()].slice(0, REASONS_MAX);
}

/** Frames and instruction within the module. */
function* ownCode(report: KernelReport, { moduleName }: SuspectLivepatch): Generator<BlameReason> {
  const { instruction } = report;
  if (instruction !== null && sameModule(instruction.module, moduleName))
    yield { level: 'instruction', text: `the faulting instruction is in ${instruction.function} of ${moduleName}` };
  const frames = located(report.trace).filter(({ module }) => sameModule(module, moduleName));
  const unsure = frames.filter(({ frame }) => frame.unsure).map(({ frame }) => plainName(frame.function));
  const sure = frames.filter(({ frame }) => !frame.unsure).map(({ frame }) => plainName(frame.function));
  if (sameModule(report.module, moduleName)) yield guilty(report, moduleName, sure, unsure);
  for (const name of sure) yield { level: 'frame', text: `${name} of ${moduleName} is in the call trace` };
  for (const name of unsure)
    yield { level: 'hint', text: `an address in ${name} of ${moduleName} is on the stack (marked ?)` };
}

/** The title names the module: in its first line, or by a frame, which counts as much as that frame is worth. */
function guilty(
  report: KernelReport,
  moduleName: string,
  sure: readonly string[],
  unsure: readonly string[],
): BlameReason {
  if (report.kind === 'module-refused')
    return { level: 'instruction', text: `the kernel refused ${moduleName} itself: ${report.title}` };
  const name = report.function ?? 'code';
  const doubtful = !sure.includes(name) && unsure.includes(name);
  return { level: doubtful ? 'hint' : 'instruction', text: `the report is about ${name} of ${moduleName}` };
}

/** Functions that it replaces, those that call them, and the machinery. */
function* others(report: KernelReport, { replaced, callers }: SuspectLivepatch): Generator<BlameReason> {
  if (report.function !== null) {
    const own = functionOf(report.function, report.module, replaced);
    if (own !== undefined)
      yield { level: 'replaced', text: `${nameOf(own)}, which it replaces, is the guilty function` };
    const caller = functionOf(report.function, report.module, callers);
    if (caller !== undefined)
      yield { level: 'caller', text: `${nameOf(caller)}, which calls what it replaces, is the guilty function` };
  }
  const instruction =
    report.instruction === null ? [] : [{ frame: report.instruction, module: report.instruction.module }];
  for (const { frame, module } of [...instruction, ...located(report.trace)]) {
    const own = functionOf(frame.function, module, replaced);
    if (own !== undefined && !frame.unsure)
      yield { level: 'replaced', text: `${nameOf(own)}, which it replaces, is in the call trace` };
    else if (own !== undefined)
      yield { level: 'hint', text: `an address in ${nameOf(own)}, which it replaces, is on the stack (marked ?)` };
    else if (module === null && MACHINERY.test(frame.function))
      yield { level: 'hint', text: `${frame.function} is on the stack: calls are being redirected` };
  }
}

function* linked(report: KernelReport, { moduleName }: SuspectLivepatch): Generator<BlameReason> {
  if (report.modules.some(({ name }) => sameModule(name, moduleName)))
    yield { level: 'loaded', text: `${moduleName} is in the list of modules, as any that is loaded` };
}

function nameOf({ object, name }: PatchedFunction): string {
  return `${object}:${name}`;
}

/** Frames with their modules: one that was inlined is of the module of the function it was inlined into. */
function located(
  trace: readonly TraceFrame[],
): readonly { readonly frame: TraceFrame; readonly module: string | null }[] {
  const found: { frame: TraceFrame; module: string | null }[] = [];
  let module: string | null = null;
  for (const frame of trace.toReversed()) {
    if (!frame.inline) ({ module } = frame);
    found.push({ frame, module });
  }
  return found.toReversed();
}
