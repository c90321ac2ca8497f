import { compareKernelVersions, type KernelVersion, parseKernelVersion } from '#domain';
import type { KernelConfig } from '#kernel';
import { LivepatchError } from '../../error.ts';
import type { EngineJob } from '../engine.ts';
import { runStep } from '../pairs/tool.ts';

interface Special {
  readonly structure: string;
  readonly variable: string;
  readonly isUsed: (config: KernelConfig, version: KernelVersion) => boolean;
}

function since(text: string): (version: KernelVersion) => boolean {
  const first = parseKernelVersion(text)!;
  return (version) => compareKernelVersions(version, first) >= 0;
}

const [hasStaticCalls, hasNoParavirtSites] = [since('5.10'), since('6.8')];

/** Entries of the tables that are cut apart and put together again: what create-diff-object reads from its environment. */
const SPECIAL: readonly Special[] = [
  { structure: 'bug_entry', variable: 'BUG', isUsed: () => true },
  { structure: 'exception_table_entry', variable: 'EX', isUsed: () => true },
  { structure: 'alt_instr', variable: 'ALT', isUsed: () => true },
  { structure: 'static_call_site', variable: 'STATIC_CALL', isUsed: (_, version) => hasStaticCalls(version) },
  {
    structure: 'paravirt_patch_site',
    variable: 'PARA',
    isUsed: (config, version) => config.has('PARAVIRT') && !hasNoParavirtSites(version),
  },
  { structure: 'pi_entry', variable: 'PRINTK_INDEX', isUsed: (config) => config.has('PRINTK_INDEX') },
  { structure: 'jump_entry', variable: 'JUMP', isUsed: (config) => config.has('JUMP_LABEL') },
  { structure: 'orc_entry', variable: 'ORC', isUsed: (config) => config.has('UNWINDER_ORC') },
];

/**
 * Bytes of the entries of special sections on x86-64, from the debug information of the deployed vmlinux, as variables of
 * the environment; which are needed is kpatch-build's own rule (find_special_section_data). Errors: engine-failed.
 */
export async function specialSections(
  job: EngineJob,
  config: KernelConfig,
  version: KernelVersion,
): Promise<Record<string, string>> {
  const used = SPECIAL.filter(({ isUsed }) => isUsed(config, version));
  const names = used.map(({ structure }) => structure).join(',');
  const { stdout } = await runStep(job, 'pahole', ['-C', names, '/mnt/vmlinux'], {
    onOutput: () => {},
    okCodes: [0, 1],
  });
  const sizes = structureSizes(stdout);
  return Object.fromEntries(
    used.map(({ structure, variable }) => {
      const size = sizes.get(structure);
      if (size !== undefined) return [`${variable}_STRUCT_SIZE`, String(size)];
      throw new LivepatchError('engine-failed', 'kernel-source', {
        what: `the debug information does not say how large "struct ${structure}" is`,
        where: job.layout.out,
        remedy: 'build the kernel with CONFIG_DEBUG_INFO',
      });
    }),
  );
}

/** pahole(1): a structure as C text, its size in a comment at its end. */
export function structureSizes(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const [, name, size] of text.matchAll(/^struct (\w+) \{\n(?:.*\n)*?\s*\/\* size: (\d+),/gm))
    if (!found.has(name!)) found.set(name!, Number(size));
  return found;
}
