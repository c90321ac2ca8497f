import { readFile } from 'node:fs/promises';
import type { BuildId, CveId, PatchedFunction } from '#domain';
import { sha256 } from '#host';
import { modinfo } from './elf.ts';
import type { EngineJob, LivepatchEngine } from './engines/engine.ts';
import { klpEngine } from './engines/klp/klp.ts';
import { kpatchEngine } from './engines/kpatch/kpatch.ts';
import { LivepatchError } from './error.ts';

const engines: readonly LivepatchEngine[] = [klpEngine, kpatchEngine];
/** MODULE_NAME_LEN is 64 - sizeof(unsigned long) = 56 with the final zero (include/linux/module.h). */
const MAX_NAME = 55;

/** Picks the engine for a kernel version. Errors: engine-unsupported, with each engine's reason. */
export function engineFor(version: string): LivepatchEngine {
  const found = engines.find((engine) => engine.refuses(version) === null);
  if (found) return found;
  throw new LivepatchError('engine-unsupported', 'input', {
    what: `no engine builds livepatches for ${version}: ${engines.map((engine) => `${engine.name}: ${engine.refuses(version)}`).join('; ')}`,
    where: version,
    remedy: 'kernels from 5.4 on can be livepatched',
  });
}

/**
 * Name of a module: kernel, what it fixes, and a part of the patch's hash, so that two builds of different patches never
 * share a name and the same patch always gets the same.
 */
export function moduleNameOf(buildId: BuildId, cves: readonly CveId[], patch: string): string {
  const what =
    cves.length === 1 ? cves[0]!.slice(4).replaceAll('-', '_') : cves.length === 0 ? 'change' : `${cves.length}_cves`;
  return `tuxtape_${buildId.slice(0, 8)}_${what}_${sha256(patch).slice(0, 8)}`.slice(0, MAX_NAME);
}

export interface BuiltModule {
  readonly bytes: Buffer;
  readonly sha256: string;
  readonly engineVersion: string;
  readonly functions: readonly PatchedFunction[];
}

/**
 * Builds a module and checks what came out: it is a livepatch, of this name, for this release, and replaces at least one
 * function. Errors: those of the engines; module-unreadable; nothing-changed.
 */
export async function buildModule(
  engine: LivepatchEngine,
  job: EngineJob,
  kernelRelease: string,
): Promise<BuiltModule> {
  const result = await engine.build(job);
  const bytes = await readFile(result.module).catch((error: unknown) => {
    throw new LivepatchError('engine-failed', 'toolchain', {
      what: 'the engine ended without a module',
      where: result.module,
      cause: error,
    });
  });
  checkModule(bytes, result.module, job.moduleName, kernelRelease);
  if (result.changed.length === 0) {
    throw new LivepatchError('nothing-changed', 'patch', {
      what: 'the module replaces no function',
      where: result.module,
      remedy: 'this kernel is not affected by the change: its code is not built in',
    });
  }
  const functions = result.changed;
  return { bytes, sha256: sha256(bytes), engineVersion: result.engineVersion, functions };
}

function checkModule(bytes: Buffer, where: string, name: string, release: string): void {
  const info = modinfo(bytes, where);
  const wrong = (what: string): LivepatchError =>
    new LivepatchError('module-unreadable', 'us', {
      what,
      where,
      remedy: 'the module is not used; keep the build log',
    });
  if (info.get('livepatch')?.[0] !== 'Y') throw wrong('the module is not marked as a livepatch');
  if (info.get('name')?.[0] !== name) throw wrong(`the module is named ${info.get('name')?.[0]}, not ${name}`);
  const magic = info.get('vermagic')?.[0] ?? '';
  if (magic.split(' ')[0] !== release) throw wrong(`the module is for ${magic.split(' ')[0]}, not ${release}`);
}
