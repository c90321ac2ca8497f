import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { PatchedFunction } from '#domain';
import { ProgramError } from '#host';
import { IN_TREE } from '#kernel';
import { LivepatchError } from '../../error.ts';
import { diagnose } from '../diagnose.ts';
import type { EngineJob } from '../engine.ts';
import type { KernelObject } from '../pairs/objects.ts';
import { runStep, runTool, WORK } from '../pairs/tool.ts';
import { PROGRAMS } from './programs.ts';

/** create-diff-object(1): EXIT_STATUS_NO_CHANGE. */
const NO_CHANGE = 3;
/** 128 and the number of the signal: SIGSEGV, SIGABRT. */
const CRASHES = new Set([139, 134]);

/** The file whose symbols a livepatch of this target names: by what kpatch calls it, and where it lies in the sandbox. */
interface Target {
  readonly name: string;
  readonly file: string;
}

/**
 * Cuts what changed out of each pair of objects, by kpatch's own create-diff-object, into `output/` of the job's folder.
 * Errors: those of `diagnose`; engine-crashed.
 */
export async function diffPairs(
  job: EngineJob,
  objects: readonly KernelObject[],
  env: Readonly<Record<string, string>>,
): Promise<PatchedFunction[]> {
  const order = await readFile(join(job.layout.build, 'modules.order'), 'utf8').catch(() => '');
  const tables = new Map<string, Target>();
  const changed: PatchedFunction[] = [];
  for (const { object, target } of objects) {
    const known = tables.get(target) ?? (await symbolTable(job, target, order));
    tables.set(target, known);
    await mkdir(join(job.work, 'output', dirname(object)), { recursive: true });
    for (const name of await diff(job, object, known, env)) changed.push({ object: target, name });
  }
  return changed;
}

async function symbolTable(job: EngineJob, target: string, order: string): Promise<Target> {
  const name = target.replaceAll('-', '_');
  const file = target === 'vmlinux' ? '/mnt/vmlinux' : `${IN_TREE}/${moduleFile(order, name)}`;
  await runStep(job, 'sh', ['-c', 'readelf -s --wide "$1" >"$2"', 'sh', file, `${WORK}/${name}.symtab`]);
  return { name, file };
}

/** `modules.order` names each module by the path of its object, or of the module itself before Linux 6.4. */
function moduleFile(order: string, name: string): string {
  for (const line of order.split('\n')) {
    const path = line.replace(/\.o$/, '.ko');
    if (path.replace(/^.*\//, '').replaceAll('-', '_') === `${name}.ko`) return path;
  }
  throw new LivepatchError('engine-failed', 'kernel-source', {
    what: `the build lists no module "${name}"`,
    where: 'modules.order',
    remedy: 'build the kernel again',
  });
}

/** Names of the functions that changed; none when nothing did that matters. */
async function diff(
  job: EngineJob,
  object: string,
  target: Target,
  env: Readonly<Record<string, string>>,
): Promise<string[]> {
  const args = [
    ...['--klp-arch', `orig/${object}`, `patched/${object}`, target.name, `${target.name}.symtab`],
    ...[`${IN_TREE}/Module.symvers`, job.moduleName.replaceAll('-', '_'), `output/${object}`],
  ];
  try {
    const { stdout } = await runTool(job, `${PROGRAMS}/create-diff-object`, args, { okCodes: [0, NO_CHANGE], env });
    return changedFunctions(stdout).map(({ name }) => name);
  } catch (error) {
    if (!(error instanceof ProgramError) || error.code !== 'program-failed') throw error;
    if (!CRASHES.has(error.exitCode ?? 0)) throw diagnose(`${error.stdout}\n${error.stderr}`, object, error);
    throw new LivepatchError('engine-crashed', 'toolchain', {
      what: 'create-diff-object crashed',
      where: object,
      remedy: 'keep the log; report it to the makers of kpatch',
      cause: error,
    });
  }
}

/** Lines `signal.o: changed function: zap_other_threads` (create-diff-object); new functions are in the module but replace nothing. */
export function changedFunctions(output: string): { object: string; name: string }[] {
  return [...output.matchAll(/^\s*(\S+\.o): changed function: (\S+)$/gm)].map((match) => ({
    object: match[1]!,
    name: match[2]!,
  }));
}
