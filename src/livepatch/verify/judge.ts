import { type BuildId, buildIdOfNotes, type FunctionHits, type GateOutcome, type PatchedFunction } from '#domain';
import type { CommandResult } from '../vm/machine.ts';
import { some } from './check.ts';
import { CANNOT, MOST_HITS } from './commands.ts';
import type { Judge } from './plan.ts';

export interface Judgement {
  readonly outcome: GateOutcome;
  readonly detail: string;
  readonly hits?: readonly FunctionHits[];
}

/** What the machine was like before the livepatch, as far as a judge needs it. */
export interface Before {
  /** Kinds of the workload that failed without it. */
  readonly broken: ReadonlySet<string>;
}

/** Said of functions that are there, where nothing shows that they are in use. */
export const UNLISTED = 'this kernel does not list what is redirected';

/** Judges what a step printed, and what the kernel logged meanwhile; both are of the machine, and so hostile. Pure. */
export function judge(how: Judge, result: CommandResult, before: Before, log = ''): Judgement {
  const { output } = result;
  if (how.by === 'build-id') return byBuildId(output, how.buildId);
  if (how.by === 'workload') return byWorkload(output, before);
  if (how.by === 'state') return byState(result);
  if (how.by === 'objects') return byObjects(output, how.objects);
  if (how.by === 'functions') return byFunctions(result, how.functions);
  if (how.by === 'hits') return byHits(result, how.moduleName, how.functions);
  if (how.by === 'return') return byReturn(result, log);
  return byExit(result, how.by === 'reproduced');
}

/** Printed by kernels before 6.4, which do not clear relocations when a target module leaves (klp_clear_object_relocs). */
const NOT_CLEARED = /invalid relocation target, existing value is nonzero/i;

function byReturn(result: CommandResult, log: string): Judgement {
  const judgement = byExit(result, false);
  if (judgement.outcome !== 'failed' || !NOT_CLEARED.test(log)) return judgement;
  const detail = `while it is on, this kernel cannot load a target module again that was unloaded: ${judgement.detail}`;
  return { outcome: 'warned', detail };
}

function byBuildId(output: string, wanted: BuildId): Judgement {
  const found = buildIdOfNotes(Buffer.from(output.trim(), 'base64'));
  return verdict(found === wanted, `build-id ${found ?? 'unreadable'}`);
}

function verdict(isGood: boolean, detail: string): Judgement {
  return { outcome: isGood ? 'passed' : 'failed', detail };
}

/** Exit codes of a program that `timeout` stopped: that shows nothing. */
const STOPPED: ReadonlySet<number> = new Set([124, 137, 143]);

function byExit({ exitCode, output }: CommandResult, mustFail: boolean): Judgement {
  const detail = output.trim() || `exit code ${exitCode}`;
  if (mustFail && STOPPED.has(exitCode)) return verdict(false, `it did not end: ${detail}`);
  if (mustFail) return verdict(exitCode !== 0, `exit code ${exitCode}: ${detail}`);
  if (exitCode === CANNOT) return { outcome: 'skipped', detail };
  return verdict(exitCode === 0, detail);
}

/** Lines `kind times`, `kind absent`, `kind FAILED: why`. */
export function workloadLines(output: string): Map<string, string> {
  return new Map([...output.matchAll(/^(\w+) (\d+|absent|FAILED: .*)$/gm)].map((match) => [match[1]!, match[2]!]));
}

function byWorkload(output: string, { broken }: Before): Judgement {
  const kinds = [...workloadLines(output)];
  if (kinds.length === 0) return { outcome: 'failed', detail: `the workload said nothing: ${output.trim()}` };
  const bad = kinds.filter(([kind, what]) => what.startsWith('FAILED') && !broken.has(kind));
  const idle = kinds.filter(([kind, what]) => what === '0' && !broken.has(kind)).map(([kind]) => kind);
  const ran = kinds.filter(([, what]) => /^[1-9]/.test(what));
  const counts = ran.map(([kind, times]) => `${kind} ${times}`).join(', ');
  if (bad.length > 0)
    return { outcome: 'failed', detail: `${bad.map((one) => one.join(' ')).join('; ')}; ran: ${counts}` };
  const absent = kinds.filter(([, what]) => what === 'absent').map(([kind]) => kind);
  const notes = [
    ...(idle.length > 0 ? [`did not come round: ${idle.join(', ')}`] : []),
    ...(absent.length > 0 ? [`not in this kernel: ${absent.join(', ')}`] : []),
    ...(broken.size > 0 ? [`fails without the livepatch, too: ${[...broken].join(', ')}`] : []),
  ];
  const outcome = ran.length === 0 ? 'failed' : broken.size > 0 || idle.length > 0 ? 'warned' : 'passed';
  return { outcome, detail: [counts || 'nothing ran', ...notes].join('; ') };
}

/** `replace` came with 6.11, `stack_order` with 6.14: where they are not there, their word is not asked. */
function byState({ output, exitCode }: CommandResult): Judgement {
  const state = new Map(
    output
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string | undefined]),
  );
  const isGood =
    exitCode === 0 &&
    state.get('enabled') === '1' &&
    state.get('transition') === '0' &&
    ['1', undefined].includes(state.get('replace')) &&
    /^[1-9]\d*$/.test(state.get('stack_order') ?? '1');
  const missing = ['replace', 'stack_order'].filter((file) => !state.has(file));
  const detail = [...state].map(([file, value]) => `${file} ${value ?? ''}`).join(', ');
  return verdict(isGood, missing.length > 0 ? `${detail}; this kernel does not tell: ${missing.join(', ')}` : detail);
}

/** Lines `vmlinux 1`. Every expected object must be there, and every one there must be patched. */
function byObjects(output: string, expected: readonly string[]): Judgement {
  const lines = output.trim().split('\n').filter(Boolean);
  const state = new Map(lines.map((line) => line.split(' ') as [string, string]));
  // Before 6.1 sysfs has no `patched`; what the tracer says is asked instead.
  const isGood =
    expected.every((object) => ['1', 'unknown'].includes(state.get(object) ?? '')) &&
    [...state.values()].every((patched) => patched === '1' || patched === 'unknown');
  const unknown = [...state.values()].includes('unknown');
  const missing = expected.filter((object) => !state.has(object));
  const detail = missing.length > 0 ? `${lines.join(', ')}; missing: ${some(missing)}` : lines.join(', ');
  if (isGood && unknown) return { outcome: 'skipped', detail: `this kernel does not tell: ${detail}` };
  return verdict(isGood, detail);
}

/** Paths `…/<object>/<function>,<sympos>`, `---`, lines of enabled_functions: `name (1) … I …`. */
function byFunctions({ output, exitCode }: CommandResult, expected: readonly PatchedFunction[]): Judgement {
  const [paths = '', traced = ''] = output.split(/^---$/m);
  const found = new Set(
    paths
      .trim()
      .split('\n')
      .map((path) => path.split('/').slice(-2).join('/').replace(/,\d+$/, '')),
  );
  const labels = new Set(expected.map(({ object, name }) => `${object}/${name}`));
  const missing = [...labels].filter((label) => !found.has(label));
  const extra = [...found].filter((label) => label !== '' && !labels.has(label));
  if (exitCode !== 0 || missing.length > 0 || extra.length > 0)
    return verdict(false, `missing: ${some(missing) || 'none'}; not in the recipe: ${some(extra) || 'none'}`);
  const redirected = new Set(
    traced
      .split('\n')
      .map((line) => /^(\S+)/.exec(line)?.[1] ?? '')
      .filter(Boolean),
  );
  if (redirected.size === 0) return { outcome: 'passed', detail: `${found.size} functions; ${UNLISTED}` };
  const silent = expected.filter(({ name }) => !redirected.has(name)).map(({ name }) => name);
  if (silent.length > 0) return verdict(false, `the tracer does not redirect ${some(silent)}`);
  return verdict(true, `${expected.length} functions, and the tracer redirects them`);
}

/**
 * Lines `name [module]:stacktrace:count=N` or `…:unlimited`, N counted down. The new code's own entry counts; the old one's
 * stands in where the livepatch's functions cannot be traced and the name is the only one.
 */
function byHits(
  { output, exitCode }: CommandResult,
  moduleName: string,
  functions: readonly PatchedFunction[],
): Judgement {
  const nothing = functions.map((one) => ({ ...one, hits: null }));
  if (exitCode === CANNOT) return { outcome: 'skipped', detail: `not measured: ${output.trim()}`, hits: nothing };
  const traced = [
    ...(output.split(/^---$/m).at(-1) ?? '').matchAll(/^(\S+?)(?: \[(\w+)\])?:stacktrace:count=(\d+)$/gm),
  ];
  const hits = functions.map((one) => {
    const named = traced.filter((match) => match[1] === one.name);
    const own = named.filter((match) => match[2] === moduleName);
    const counted = own.length > 0 ? own : named.length === 1 ? named : [];
    const count = counted.length === 0 ? null : Math.max(...counted.map((match) => MOST_HITS - Number(match[3])));
    return { object: one.object, name: one.name, hits: count };
  });
  const label = ({ name }: FunctionHits): string => name;
  const never = hits.filter((one) => one.hits === 0).map(label);
  const unknown = hits.filter((one) => one.hits === null).map(label);
  const ran = hits.filter((one) => (one.hits ?? 0) > 0).map((one) => `${one.name} ${one.hits}`);
  const detail = [
    ...(ran.length > 0 ? [`ran: ${some(ran)}`] : []),
    ...(never.length > 0 ? [`not exercised: ${some(never)}`] : []),
    ...(unknown.length > 0 ? [`not measured: ${some(unknown)}`] : []),
  ].join('; ');
  const outcome = never.length > 0 ? 'warned' : ran.length === 0 ? 'skipped' : unknown.length > 0 ? 'warned' : 'passed';
  return { outcome, detail, hits };
}
