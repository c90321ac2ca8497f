import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { PatchedFunction } from '#domain';
import { ProgramError } from '#host';
import { IN_TREE } from '#kernel';
import { LivepatchError } from '../../error.ts';
import { diagnose } from '../diagnose.ts';
import type { EngineJob } from '../engine.ts';
import { changedFunctions } from '../pairs/changed-functions.ts';
import { moduleObject } from '../pairs/module-path.ts';
import type { KernelObject } from '../pairs/objects.ts';
import { runStep, runTool } from '../pairs/tool.ts';
import { PROGRAMS } from './programs.ts';

/** create-diff-object(1): EXIT_STATUS_NO_CHANGE. */
const NO_CHANGE = 3;
/** 128 and the number of the signal: SIGSEGV, SIGABRT. */
const CRASHES = new Set([139, 134]);

/**
 * Cuts what changed out of each pair of objects, by kpatch's own create-diff-object, into `output/` of the job's folder.
 * Errors: those of `diagnose`; engine-crashed.
 */
export async function diffPairs(
  job: EngineJob,
  objects: readonly KernelObject[],
  env: Readonly<Record<string, string>>,
): Promise<PatchedFunction[]> {
  for (const target of new Set(objects.map((object) => object.target))) await writeSymbols(job, target);
  const changed: PatchedFunction[] = [];
  for (const { object, target } of objects) {
    await mkdir(join(job.work, 'output', dirname(object)), { recursive: true });
    for (const name of await diff(job, object, target, env)) changed.push({ object: target, name });
  }
  return changed;
}

/** Symbols of what is deployed, `<target>.symtab`: a livepatch names them. */
async function writeSymbols(job: EngineJob, target: string): Promise<void> {
  const module = async (): Promise<string> => (await moduleObject(job.layout.build, target)).replace(/\.o$/, '.ko');
  const file = target === 'vmlinux' ? '/mnt/vmlinux' : `${IN_TREE}/${await module()}`;
  await runStep(job, 'sh', ['-c', 'readelf -s --wide "$1" >"$2"', 'sh', file, `${target}.symtab`]);
}

/** Names of the functions that changed; none when nothing did that matters. */
async function diff(
  job: EngineJob,
  object: string,
  target: string,
  env: Readonly<Record<string, string>>,
): Promise<string[]> {
  const args = [
    ...['--klp-arch', `orig/${object}`, `patched/${object}`, target, `${target}.symtab`],
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
