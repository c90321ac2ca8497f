import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { compareKernelVersions, hasCode, parseKernelVersion } from '#domain';
import { type KernelConfig, needBuilt, readKernelConfig } from '#kernel';
import { LivepatchError } from '../../error.ts';
import type { EngineJob, EngineResult, LivepatchEngine } from '../engine.ts';
import { compilePairs, nothingChanged } from '../pairs/compile.ts';
import { diffPair } from './diff.ts';
import { linkPairs } from './link.ts';
import { linkModule } from './module.ts';
import { requireObjtool } from './objtool.ts';
import { buildWhole } from './whole.ts';

const OLDEST = parseKernelVersion('6.19')!;
const UNSUPPORTED = ['GCC_PLUGIN_LATENT_ENTROPY', 'GCC_PLUGIN_RANDSTRUCT', 'LD_DEAD_CODE_DATA_ELIMINATION'];

/**
 * The livepatch support of the kernel's own objtool (scripts/livepatch/klp-build), for Linux 6.19 and later on x86-64. klp-build
 * makes the whole kernel twice and compares vmlinux.o as a whole. Only the objects that a change reaches can differ: so
 * they alone are compiled, linked into a small vmlinux.o, and compared by the same objtool. Where that needs to tell
 * symbols of one name apart, which takes the whole kernel, klp-build itself is run.
 */
export const klpEngine: LivepatchEngine = {
  name: 'klp',
  refuses(version) {
    const parsed = parseKernelVersion(version);
    if (parsed === undefined) return `the version "${version}" cannot be read`;
    return compareKernelVersions(parsed, OLDEST) < 0 ? 'klp-build came with Linux 6.19' : null;
  },
  build,
};

async function build(job: EngineJob): Promise<EngineResult> {
  await needBuilt(job.layout);
  refuseConfig(await readKernelConfig(join(job.layout.build, '.config')));
  await requireObjtool(job);
  const different = await compilePairs(job);
  try {
    return await buildSmall(job, different);
  } catch (error) {
    if (!hasCode(error, 'symbol-ambiguous')) throw error;
    job.onOutput(`${error.message}: the whole kernel is compared\n`);
    return buildWhole(job);
  }
}

async function buildSmall(job: EngineJob, different: Awaited<ReturnType<typeof compilePairs>>): Promise<EngineResult> {
  const pairs = await linkPairs(job, different);
  await mkdir(join(job.work, 'kmod'));
  await copyFile(join(job.layout.build, 'Module.symvers'), join(job.work, 'pairs/orig/Module.symvers'));
  const changed: EngineResult['changed'][number][] = [];
  for (const pair of pairs) for (const name of await diffPair(job, pair)) changed.push({ object: pair.target, name });
  if (changed.length === 0) throw nothingChanged();
  const module = await linkModule(job);
  return { module: join(job.work, module), engineVersion: `objtool of Linux ${job.version}`, changed };
}

/** What klp-build refuses (validate_config). */
function refuseConfig(config: KernelConfig): void {
  const lacking = ['LIVEPATCH', 'KLP_BUILD'].find((symbol) => !config.has(symbol));
  const wrong = UNSUPPORTED.find((symbol) => config.has(symbol));
  if (lacking === undefined && wrong === undefined) return;
  throw new LivepatchError('engine-unsupported', 'kernel-source', {
    what: lacking === undefined ? `klp-build does not support CONFIG_${wrong}` : `the kernel lacks CONFIG_${lacking}`,
    where: '.config',
    remedy: 'this kernel cannot be livepatched; change its configuration for the next one',
  });
}
