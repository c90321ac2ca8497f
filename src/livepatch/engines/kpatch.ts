import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compareKernelVersions, parseKernelVersion } from '#domain';
import { exists, makeFolders, ProgramError, plainEnvironment, runSandboxed } from '#host';
import { IN_TREE, reproducible } from '#kernel';
import { diagnose } from './diagnose.ts';
import type { EngineJob, EngineResult, LivepatchEngine } from './engine.ts';
import { withWarmTree } from './warm-tree.ts';

const OLDEST = parseKernelVersion('5.4')!;
const FIRST_WITHOUT = parseKernelVersion('6.19')!;
const BUILD_TIMEOUT_MS = 3 * 3_600_000;
const HOME = '/mnt/home';

/** kpatch-build (https://github.com/dynup/kpatch), for kernels 5.4 to 6.18. */
export const kpatchEngine: LivepatchEngine = {
  name: 'kpatch',
  refuses(version) {
    const parsed = parseKernelVersion(version);
    if (parsed === undefined) return `the version "${version}" cannot be read`;
    if (compareKernelVersions(parsed, OLDEST) < 0) return 'kernels before 5.4 have another livepatch interface';
    return compareKernelVersions(parsed, FIRST_WITHOUT) >= 0 ? 'kpatch-build does not support 6.19 and later' : null;
  },
  build: (job) => withWarmTree(job.layout, 'kpatch', (tree) => build(job, tree)),
};

/**
 * Runs kpatch-build on the engine's tree. `-v` names the deployed vmlinux, not the one it rebuilds: symbol positions must
 * be those of the kernel that runs. Its home keeps the state that makes the next build quick.
 */
async function build(job: EngineJob, tree: string): Promise<EngineResult> {
  const home = join(job.layout.directory, 'kpatch-home');
  await makeFolders(home);
  await makeFolders(join(job.work, 'out'));
  await writeFile(join(job.work, 'change.patch'), job.patch);
  const sandbox = {
    root: job.toolchain.root,
    mounts: [
      { from: tree, to: IN_TREE, writable: true },
      { from: home, to: HOME, writable: true },
      { from: join(job.work, 'out'), to: '/mnt/out', writable: true },
      { from: join(job.layout.out, 'vmlinux'), to: '/mnt/vmlinux' },
      { from: join(job.work, 'change.patch'), to: '/mnt/change.patch' },
    ],
    cwd: IN_TREE,
    env: { ...plainEnvironment(reproducible), HOME, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  };
  const source = ['-s', IN_TREE, '-c', `${IN_TREE}/.config`, '-v', '/mnt/vmlinux'];
  const args = [...source, '-n', job.moduleName, `-j${job.jobs}`, '-o', '/mnt/out', '/mnt/change.patch'];
  const options = {
    timeoutMs: BUILD_TIMEOUT_MS,
    keepTail: true,
    maxOutput: 4 << 20,
    onOutput: job.onOutput,
    ...(job.signal ? { signal: job.signal } : {}),
  };
  const { stdout } = await runSandboxed(sandbox, 'kpatch-build', args, options).catch(async (error: unknown) => {
    if (!(error instanceof ProgramError) || error.code !== 'program-failed') throw error;
    const log = join(home, '.kpatch', 'build.log');
    const details = (await exists(log)) ? await readFile(log, 'utf8') : '';
    job.onOutput(details);
    throw diagnose(`${error.stdout}\n${error.stderr}\n${details}`, job.work, error);
  });
  const version = await runSandboxed(sandbox, 'kpatch-build', ['--version'], { timeoutMs: 60_000 });
  return {
    module: join(job.work, 'out', `${job.moduleName}.ko`),
    engineVersion: `kpatch-build ${version.stdout.trim().replace(/^.*\s/, '')}`,
    changed: changedFunctions(stdout),
  };
}

/** Lines `signal.o: changed function: zap_other_threads` (create-diff-object); new functions are in the module but replace nothing. */
export function changedFunctions(output: string): { object: string; name: string }[] {
  return [...output.matchAll(/^\s*(\S+\.o): changed function: (\S+)$/gm)].map((match) => ({
    object: match[1]!,
    name: match[2]!,
  }));
}
