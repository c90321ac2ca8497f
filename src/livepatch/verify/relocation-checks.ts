import type { GateCheck } from '#domain';
import {
  type ModuleFile,
  type ModuleRelocations,
  SHF_RELA_LIVEPATCH,
  SHN_LIVEPATCH,
  SHN_UNDEF,
} from '../module-file.ts';
import { check, some } from './check.ts';
import type { KernelSymbols } from './kernel-symbols.ts';

const SECTION_PREFIX = '.klp.rela.';
const SYMBOL = /^\.klp\.sym\.([^.]+)\.(.+),(\d+)$/;
const LONGEST_MODULE_NAME = 55;

/** The object that a symbol for the livepatch core is looked for in; null for another name. */
export function objectOfSymbol(name: string): string | null {
  return SYMBOL.exec(name)?.[1] ?? null;
}

/**
 * Everything a module refers to is there: undefined symbols are exported by the kernel or by a module it depends on, in a
 * namespace it imports (kernel/module/main.c, simplify_symbols), and symbols for the livepatch core stand in the object they
 * name, as often as their position asks (Documentation/livepatch/module-elf-format.rst).
 */
export function relocationChecks(
  file: ModuleFile,
  info: ReadonlyMap<string, readonly string[]>,
  kernel: KernelSymbols,
): GateCheck[] {
  return [formCheck(file), ...undefinedChecks(file, info, kernel), livepatchSymbolCheck(file, kernel)];
}

function formCheck(file: ModuleFile): GateCheck {
  const special = file.relocations.filter(({ section }) => isSpecial(section.name, section.flags));
  const faults = [...special.flatMap((section) => faultsOf(file, section)), ...strayUses(file)];
  const detail = faults.length > 0 ? some(faults) : `${special.length} sections of livepatch relocations`;
  return check('file', 'livepatch relocations are well formed', faults.length === 0, detail);
}

function isSpecial(name: string, flags: bigint): boolean {
  return name.startsWith(SECTION_PREFIX) || (flags & SHF_RELA_LIVEPATCH) !== 0n;
}

function faultsOf(file: ModuleFile, { section, symbols }: ModuleRelocations): string[] {
  const parts = /^\.klp\.rela\.([^.]+)\.(.+)$/.exec(section.name);
  if (parts === null) return [`${section.name}: the name is not .klp.rela.OBJECT.SECTION`];
  const [, object, target] = parts;
  const faults: string[] = [];
  if (object!.length > LONGEST_MODULE_NAME) faults.push(`${section.name}: the object's name is too long`);
  if ((section.flags & SHF_RELA_LIVEPATCH) === 0n) faults.push(`${section.name}: not marked for the livepatch core`);
  if (file.sections[section.info]?.name !== target) faults.push(`${section.name}: it relocates another section`);
  for (const index of symbols) {
    const symbol = file.symbols[index];
    if (symbol === undefined) faults.push(`${section.name}: a symbol that is not there`);
    else if (symbol.section !== SHN_LIVEPATCH) faults.push(`${section.name}: ${symbol.name} is no livepatch symbol`);
    else {
      const of = SYMBOL.exec(symbol.name)?.[1];
      if (of === undefined) faults.push(`${symbol.name}: the name is not .klp.sym.OBJECT.SYMBOL,POSITION`);
      // klp_resolve_symbols refuses it: vmlinux may not be there for the relocations of a module's section.
      else if (of === 'vmlinux' && object !== 'vmlinux') faults.push(`${section.name}: a symbol of vmlinux`);
    }
  }
  return faults;
}

/** objtool's own notes of what it turned into livepatch relocations; nothing reads them in the kernel (tools/objtool/klp-diff.c). */
const NOTES = /^\.rela__klp_relocs\./;

/** Ordinary relocations that use a symbol which only the livepatch core resolves: the loader leaves zeros there. */
function strayUses(file: ModuleFile): string[] {
  return file.relocations
    .filter(({ section }) => !isSpecial(section.name, section.flags) && !NOTES.test(section.name))
    .flatMap(({ section, symbols }) =>
      symbols
        .map((index) => file.symbols[index])
        .filter((symbol) => symbol?.section === SHN_LIVEPATCH)
        .map((symbol) => `${section.name} uses ${symbol!.name}`),
    );
}

function undefinedChecks(
  file: ModuleFile,
  info: ReadonlyMap<string, readonly string[]>,
  { exports, modules }: KernelSymbols,
): GateCheck[] {
  const depends = (info.get('depends')?.[0] ?? '').split(',').filter(Boolean);
  const imported = new Set(info.get('import_ns') ?? []);
  const wanted = file.symbols.filter(({ section, name, isWeak }) => section === SHN_UNDEF && name !== '' && !isWeak);
  const unresolved: string[] = [];
  for (const { name } of wanted) {
    const found = exports.get(name);
    if (found === undefined) unresolved.push(name);
    else if (found.object !== 'vmlinux' && !depends.includes(found.object))
      unresolved.push(`${name} of ${found.object}, which it does not depend on`);
    else if (found.namespace !== '' && !imported.has(found.namespace))
      unresolved.push(`${name} of namespace ${found.namespace}, which it does not import`);
  }
  const missing = depends.filter((name) => !modules.has(name));
  return [
    check(
      'file',
      'every undefined symbol is exported by the kernel',
      unresolved.length === 0,
      unresolved.length > 0 ? some(unresolved) : `${wanted.length} symbols`,
    ),
    check(
      'file',
      'the modules it depends on are there',
      missing.length === 0,
      missing.length > 0 ? `missing: ${some(missing)}` : depends.join(', ') || 'it depends on none',
    ),
  ];
}

function livepatchSymbolCheck(file: ModuleFile, kernel: KernelSymbols): GateCheck {
  const used = new Set(
    file.relocations.filter(({ section }) => isSpecial(section.name, section.flags)).flatMap(({ symbols }) => symbols),
  );
  const wrong: string[] = [];
  let count = 0;
  for (const index of used) {
    const [, object, name, position] = SYMBOL.exec(file.symbols[index]?.name ?? '') ?? [];
    if (object === undefined || name === undefined) continue;
    count += 1;
    const symbols = kernel.of(object);
    const there = symbols?.get(name) ?? 0;
    if (symbols === undefined) wrong.push(`${object}:${name}: nothing is known of ${object}`);
    else if (there === 0) wrong.push(`${object} has no ${name}`);
    else if (position === '0' && there > 1) wrong.push(`${object} has ${there} ${name}, and none is chosen`);
    else if (Number(position) > there) wrong.push(`${object} has no ${name} number ${position}`);
  }
  const name = 'every symbol for the livepatch core is in its object';
  return check('file', name, wrong.length === 0, wrong.length > 0 ? some(wrong) : `${count} symbols`);
}
