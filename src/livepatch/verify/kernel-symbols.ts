import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readModule, SHN_UNDEF } from '../module-file.ts';
import { type KernelModules, readModulesDep } from '../vm/kernel-modules.ts';

const MAX_TEXT_BYTES = 64 << 20;
const SHF_ALLOC = 2n;
const SHN_LORESERVE = 0xff00;

/** A line of Module.symvers (Documentation/kbuild/modules.rst): who exports a symbol, and the namespace it is in. */
export interface Export {
  /** `vmlinux`, or the name of a module. */
  readonly object: string;
  readonly namespace: string;
}

/** What a livepatch may refer to in the kernel it is for. */
export interface KernelSymbols {
  readonly exports: ReadonlyMap<string, Export>;
  readonly modules: KernelModules;
  /** How many symbols of each name `vmlinux` or a module has; undefined where that is not known. */
  of(object: string): ReadonlyMap<string, number> | undefined;
}

/** Reads the symbols of `vmlinux` and of `objects` from `out/` of a kernel. Errors: module-unreadable. */
export async function readKernelSymbols(
  out: string,
  release: string,
  objects: readonly string[],
): Promise<KernelSymbols> {
  const modules = await readModulesDep(join(out, 'modules'), release);
  const known = new Map<string, ReadonlyMap<string, number>>();
  const map = await readText(join(out, 'System.map'));
  if (map !== undefined) known.set('vmlinux', symbolsOfMap(map));
  for (const object of new Set(objects)) {
    const module = modules.get(object);
    if (module === undefined) continue;
    const path = join(out, 'modules/lib/modules', release, module.file);
    known.set(object, symbolsOfModule(await readFile(path), path));
  }
  const exported = parseSymvers((await readText(join(out, 'Module.symvers'))) ?? '');
  return { exports: exported, modules, of: (object) => known.get(object) };
}

export function parseSymvers(text: string): Map<string, Export> {
  const found = new Map<string, Export>();
  for (const line of text.split('\n')) {
    const [, name, object, , namespace] = line.split('\t');
    if (name === undefined || object === undefined) continue;
    found.set(name, { object: object.split('/').at(-1)!.replaceAll('-', '_'), namespace: namespace?.trim() ?? '' });
  }
  return found;
}

/** Lines `ffffffff81000000 T name`. */
export function symbolsOfMap(text: string): Map<string, number> {
  return counted(
    text
      .split('\n')
      .map((line) => line.slice(line.lastIndexOf(' ') + 1))
      .filter(Boolean),
  );
}

/** What kallsyms knows of a module when it is loaded: all that is defined in memory (kernel/module/kallsyms.c). */
function symbolsOfModule(elf: Buffer, where: string): Map<string, number> {
  const { symbols, sections } = readModule(elf, where);
  return counted(
    symbols
      .filter(({ section, name }) => name !== '' && section !== SHN_UNDEF && section < SHN_LORESERVE)
      .filter(({ section }) => ((sections[section]?.flags ?? 0n) & SHF_ALLOC) !== 0n)
      .map(({ name }) => name),
  );
}

function counted(names: readonly string[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const name of names) found.set(name, (found.get(name) ?? 0) + 1);
  return found;
}

async function readText(path: string): Promise<string | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  return bytes?.subarray(0, MAX_TEXT_BYTES).toString('latin1');
}
