import { StageError } from '#domain';
import { LivepatchError } from '#livepatch';
import {
  type ComposeOptions,
  type ComposePart,
  type ComposeStep,
  type FixSource,
  findNeeds,
  missingNames,
  type Need,
  PatchError,
  planSteps,
  StepError,
} from '#patch';
import { cvesOfFixes, type KernelRow, type Store } from '#store';

interface NeedSubject {
  readonly store: Store;
  readonly kernel: KernelRow;
  readonly fixes: FixSource;
  readonly parts: readonly ComposePart[];
  readonly options: ComposeOptions;
}

/**
 * Looks for what a change lacks that does not apply or does not compile, and gives the error with the earlier commits that
 * it seems to need, and what to do. Any other error comes back as it is. `output`: what the compiler said.
 */
export async function withNeeds(error: unknown, subject: NeedSubject, output = ''): Promise<unknown> {
  const { kernel, fixes, options } = subject;
  const isCompile = error instanceof LivepatchError && error.code === 'compile-failed';
  const isApply = error instanceof StepError && error.code === 'patch-does-not-apply';
  if (!isCompile && !isApply) return error;
  const names = isCompile ? missingNames(`${output}\n${error.message}`) : [];
  const step = isApply ? error.step : stepOf(planSteps(subject.parts), `${output}\n${error.message}`);
  if (step === undefined || (isCompile && names.length === 0)) return error;
  const needs = await findNeeds({ step, names, version: kernel.version, fixes, options });
  const cves = await cvesOfFixes(
    subject.store.db,
    needs.map(({ commit }) => commit),
  );
  const own = new Set(subject.parts.flatMap(({ cve }) => cve ?? []));
  const told = needs.map((need) => ({ ...need, cve: cves.get(need.commit)?.find((cve) => !own.has(cve)) ?? null }));
  return told.length > 0 ? withTold(error, told) : withoutAny(error, names, fixes);
}

/** The step with a file that the compiler complains of; a header is complained of where it is read. */
function stepOf(steps: readonly ComposeStep[], output: string): ComposeStep | undefined {
  const paths = new Set([...output.matchAll(/(?:^|\s)([\w./+-]+\.[chS]):\d+/gm)].map((match) => match[1]!));
  const named = (path: string): boolean => [...paths].some((one) => one === path || one.endsWith(`/${path}`));
  return steps.find(({ files }) => files.some(({ path }) => named(path))) ?? steps.at(-1);
}

type Told = Need & { readonly cve: string | null };

function withTold(error: LivepatchError | StepError, told: readonly Told[]): StageError {
  const names = told.map(({ commit, subject, cve, why }) => {
    const about = [cve, subject === null ? null : JSON.stringify(subject.slice(0, 120))].filter((one) => one !== null);
    return `${commit.slice(0, 12)}${about.length > 0 ? ` (${about.join(', ')})` : ''}: it ${why}`;
  });
  const flags = told.map(({ commit, cve }) => (cve === null ? `--with ${commit}` : `--cve ${cve}`));
  return again(error, {
    what: `${error.message}; this source lacks an earlier change, it seems: ${names.join('; ')}`,
    remedy: `look at ${told.length === 1 ? 'it' : 'them'}, and add what is needed: ${[...new Set(flags)].join(' ')}`,
  });
}

function withoutAny(error: LivepatchError | StepError, names: readonly string[], fixes: FixSource): StageError {
  if (names.length === 0) return error;
  const asked =
    fixes.history === null ? 'none of the fixes of this source brings it' : 'the history does not say which';
  return again(error, {
    what: `${error.message}; this source lacks an earlier change that brings ${names.join(', ')}, and ${asked}`,
    remedy:
      fixes.history === null
        ? 'a git repository with the history of the branch (--fixes git:DIR) can name the commit; or open the change and adapt it'
        : 'open the change with "tuxtape patch open" and adapt it',
  });
}

function again(error: LivepatchError | StepError, said: { what: string; remedy: string }): StageError {
  const problem = { ...said, where: error.where, cause: error };
  return error instanceof LivepatchError
    ? new LivepatchError(error.code, error.fault, problem)
    : new PatchError(error.code, error.fault, problem);
}
