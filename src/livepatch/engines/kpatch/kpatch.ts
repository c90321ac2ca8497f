import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { compareKernelVersions, type KernelVersion, parseKernelVersion } from '#domain';
import { type KernelConfig, needBuilt, readKernelConfig } from '#kernel';
import { LivepatchError } from '../../error.ts';
import type { EngineJob, EngineResult, LivepatchEngine } from '../engine.ts';
import { compilePairs, nothingChanged } from '../pairs/compile.ts';
import { runTool } from '../pairs/tool.ts';
import { diffPairs } from './diff.ts';
import { linkModule } from './module.ts';
import { requireTools, TEMPLATE } from './programs.ts';
import { specialSections } from './special-sections.ts';

const OLDEST = parseKernelVersion('5.4')!;
const FIRST_WITHOUT = parseKernelVersion('6.19')!;
/** From here on livepatch applies relocations of special sections by itself (commit ca376a937486, "livepatch: Remove .klp.arch"). */
const NO_KLP_ARCH = parseKernelVersion('5.8')!;
/** What kpatch-build 0.9 refuses to build for. */
const UNSUPPORTED = ['DEBUG_INFO_SPLIT', 'GCC_PLUGIN_LATENT_ENTROPY', 'GCC_PLUGIN_RANDSTRUCT', 'X86_KERNEL_IBT'];

/**
 * kpatch (https://github.com/dynup/kpatch), for kernels 5.4 to 6.18. kpatch-build makes the whole kernel twice to find the
 * objects that a patch changes. A profile knows them: so only they are compiled, twice, by the commands of the deployed
 * build, and then go through kpatch's own programs. Nothing is written to the tree, and builds run beside each other.
 */
export const kpatchEngine: LivepatchEngine = {
  name: 'kpatch',
  refuses(version) {
    const parsed = parseKernelVersion(version);
    if (parsed === undefined) return `the version "${version}" cannot be read`;
    if (compareKernelVersions(parsed, OLDEST) < 0) return 'kernels before 5.4 have another livepatch interface';
    return compareKernelVersions(parsed, FIRST_WITHOUT) >= 0 ? 'kpatch-build does not support 6.19 and later' : null;
  },
  build,
};

async function build(job: EngineJob): Promise<EngineResult> {
  await needBuilt(job.layout);
  await requireTools(job);
  const version = parseKernelVersion(job.version)!;
  const config = await readKernelConfig(join(job.layout.build, '.config'));
  refuseConfig(config);
  await mkdir(join(job.work, 'output'), { recursive: true });
  const different = await compilePairs(job, [`-I${TEMPLATE}`]);
  const env = await specialSections(job, config, version);
  const functions = await diffPairs(job, different, env);
  if (functions.length === 0) throw nothingChanged();
  const module = await linkModule(job, hasKlpArch(version));
  return { module: join(job.work, module), engineVersion: await kpatchVersion(job), changed: functions };
}

function hasKlpArch(version: KernelVersion): boolean {
  return compareKernelVersions(version, NO_KLP_ARCH) < 0;
}

function refuseConfig(config: KernelConfig): void {
  const wrong = UNSUPPORTED.find((symbol) => config.has(symbol));
  const lacking = ['DEBUG_INFO', 'LIVEPATCH'].find((symbol) => !config.has(symbol));
  const what =
    wrong !== undefined
      ? `kpatch cannot build for a kernel with CONFIG_${wrong}`
      : lacking !== undefined
        ? `kpatch needs a kernel that was built with CONFIG_${lacking}`
        : null;
  if (what !== null)
    throw new LivepatchError('engine-unsupported', 'kernel-source', {
      what,
      where: '.config',
      remedy: 'this kernel cannot be livepatched; change its configuration for the next one',
    });
}

async function kpatchVersion(job: EngineJob): Promise<string> {
  const { stdout } = await runTool(job, 'kpatch-build', ['--version'], { onOutput: () => {} });
  return `kpatch ${stdout.trim().replace(/^.*\s/, '')}`;
}
