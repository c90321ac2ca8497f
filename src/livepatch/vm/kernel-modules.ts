import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { LivepatchError } from '../error.ts';

const MAX_DEP_BYTES = 8 << 20;
/** What may stand in a command of the machine's shell without quoting. */
const PLAIN_FILE = /^[\w.+-]+$/;

/** A module of a kernel: its file below `lib/modules/<release>`, and the files it needs, nearest first. */
export interface KernelModule {
  readonly file: string;
  readonly needs: readonly string[];
}

/** By the name the kernel knows them by. */
export type KernelModules = ReadonlyMap<string, KernelModule>;

/** The kernel's name of a module file: `-` is `_` there (scripts/Makefile.lib). */
export function moduleNameOfFile(file: string): string {
  return basename(file)
    .replace(/\.ko(?:\.\w+)?$/, '')
    .replaceAll('-', '_');
}

/** Reads `modules.dep` (depmod(8)): `file: needed needed …`, all below one folder. */
export function parseModulesDep(text: string): KernelModules {
  const found = new Map<string, KernelModule>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const file = line.slice(0, colon);
    const needs = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/)
      .filter(Boolean);
    if ([file, ...needs].every(isInside)) found.set(moduleNameOfFile(file), { file, needs });
  }
  return found;
}

function isInside(file: string): boolean {
  return !file.startsWith('/') && file.split('/').every((part) => part !== '..') && PLAIN_FILE.test(basename(file));
}

/** None for a kernel without modules. */
export async function readModulesDep(modulesRoot: string, release: string): Promise<KernelModules> {
  const bytes = await readFile(join(modulesRoot, 'lib/modules', release, 'modules.dep')).catch(() => undefined);
  return parseModulesDep(bytes?.subarray(0, MAX_DEP_BYTES).toString('utf8') ?? '');
}

/** Files of these modules and all they need, what others need first. Errors: vm-boot-failed for a module there is not. */
export function loadOrder(modules: KernelModules, names: readonly string[]): string[] {
  const wanted = names.flatMap((name) => {
    const module = modules.get(name);
    if (module === undefined) {
      throw new LivepatchError('vm-boot-failed', 'input', {
        what: `the kernel has no module "${name}"`,
        where: 'modules.dep',
        remedy: 'build the kernel again; its modules are incomplete',
      });
    }
    // depmod lists the nearest dependency first: loading goes the other way round.
    return [...module.needs.toReversed(), module.file];
  });
  return [...new Set(wanted)];
}

/** Modules that touch nothing when they come and go, and need no other. */
const HARMLESS = ['dummy', 'ifb', 'veth', 'nlmon', 'nls_utf8', 'nls_ascii', 'cls_fw', 'sch_fq', 'af_packet', 'tunnel4'];

/** A module to load and unload in the workload: none of `taken`, nor anything they need. */
export function spareModule(modules: KernelModules, taken: readonly string[]): KernelModule | undefined {
  const files = new Set(loadOrder(modules, taken));
  for (const name of HARMLESS) {
    const module = modules.get(name);
    if (module !== undefined && module.needs.length === 0 && !files.has(module.file)) return module;
  }
  return undefined;
}
