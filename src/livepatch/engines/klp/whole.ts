import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { exists, makeFolders, ProgramError, runSandboxed } from '#host';
import { IN_TREE, reproducible } from '#kernel';
import { LivepatchError } from '../../error.ts';
import { diagnose } from '../diagnose.ts';
import type { EngineJob, EngineResult } from '../engine.ts';
import { changedFunctions } from '../pairs/changed-functions.ts';
import { moduleName } from '../pairs/module-path.ts';
import { withWarmTree } from './warm-tree.ts';

const BUILD_TIMEOUT_MS = 3 * 3_600_000;
const SCRIPT = 'scripts/livepatch/klp-build';

/** The kernel's own scripts/livepatch/klp-build, on a copy of the tree that it may write to. Errors: those of `diagnose`. */
export function buildWhole(job: EngineJob): Promise<EngineResult> {
  return withWarmTree(job.layout, (tree) => build(job, tree));
}

/**
 * Runs klp-build on the engine's tree. Its temporary folder is kept (`-T`): once the original build in it is complete,
 * later builds resume at step 2, the patched build (`-S 2`).
 */
async function build(job: EngineJob, tree: string): Promise<EngineResult> {
  if (!(await exists(join(tree, SCRIPT)))) {
    throw new LivepatchError('engine-missing', 'kernel-source', {
      what: 'this kernel source has no klp-build',
      where: join(tree, SCRIPT),
    });
  }
  await makeFolders(join(job.work, 'out'));
  await writeFile(join(job.work, 'change.patch'), job.patch);
  const sandbox = {
    root: job.toolchain.root,
    mounts: [
      { from: tree, to: IN_TREE, writable: true },
      { from: join(job.work, 'out'), to: '/mnt/out', writable: true },
      { from: join(job.work, 'change.patch'), to: '/mnt/change.patch' },
    ],
    cwd: IN_TREE,
    env: reproducible,
  };
  const warm = await exists(join(tree, 'klp-tmp/1-orig/.complete'));
  const args = [
    '-T',
    ...(warm ? ['-S', '2'] : []),
    '-j',
    String(job.jobs),
    '-o',
    `/mnt/out/${job.moduleName}.ko`,
    '/mnt/change.patch',
  ];
  const options = {
    timeoutMs: BUILD_TIMEOUT_MS,
    keepTail: true,
    maxOutput: 4 << 20,
    onOutput: job.onOutput,
    ...(job.signal ? { signal: job.signal } : {}),
  };
  try {
    const { stdout, stderr } = await runSandboxed(sandbox, SCRIPT, args, options);
    return {
      module: join(job.work, 'out', `${job.moduleName}.ko`),
      engineVersion: 'klp-build of the kernel source',
      changed: changedFunctions(`${stdout}\n${stderr}`).map(({ object, name }) => ({ object: targetOf(object), name })),
    };
  } catch (error) {
    if (!(error instanceof ProgramError) || error.code !== 'program-failed') throw error;
    throw diagnose(`${error.stdout}\n${error.stderr}`, job.work, error);
  }
}

/** objtool names what it compares: `vmlinux.o`, or the object of a module by its path. */
function targetOf(object: string): string {
  return moduleName(basename(object, '.o'));
}
