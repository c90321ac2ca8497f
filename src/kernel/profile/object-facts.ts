import { closeSync, constants, lstatSync, openSync, type Stats } from 'node:fs';
import { ElfTable } from '../elf-table.ts';
import { functionNames, loadedSections, ObjectBytes, type SectionHeader } from './elf-file.ts';

const SHF_EXECINSTR = 4;
const SHF_STRINGS = 0x20;

/** What the built object itself says. */
export interface ObjectFacts {
  readonly initOnly: boolean | null;
  /** Sorted, each once; empty when nothing can be said. */
  readonly functions: readonly string[];
}

/** Of an object that was not looked at. */
export const NOTHING: ObjectFacts = { initOnly: null, functions: [] };

/** Sections of an object whose code is made when it is linked. */
const OF_LINK_TIME = ['.gnu.lto_', '.llvm.lto'];
/** Code that is gone after the start, or is run at removal only (include/linux/init.h: `__init`, `__exit`). */
const INIT_CODE = /^\.(?:init|exit)\.text(?:\.|$)/;
/** Instructions that are copied over others while the kernel starts (include/asm-generic/vmlinux.lds.h, before __init_end). */
const PATCHED_IN = /^\.altinstr_(?:replacement|aux)$/;
/** Data of that code (`__initdata`, `__initconst`, `__exitdata`), tables of its addresses, and what describes it. */
const INIT_DATA =
  /^(?:\.(?:init|exit)\.|\.(?:con_|security_)?initcall\S*\.init$|\.exitcall\.exit$|\.modinfo$|\.discard|\.note|\.comment$|\.altinstructions$|\.(?:retpoline|return|call)_sites$|\.ibt_endbr_seal$|\.cfi_sites$|\.smp_locks$|\.parainstructions$|\.static_call_sites$|\.orc_|\.eh_frame|__bug_table$|__ex_table$|__jump_table$|__mcount_loc$|__patchable_function_entries$|\.printk_index$|\.llvm_addrsig$)/;

/**
 * Function names and the init-only flag of a built object. Assembly has labels that are no functions to ELF, and an object of
 * link-time optimisation holds no code yet: their lists stay empty, which says nothing. Never throws: an object that cannot
 * be read says nothing either.
 */
export function readObject(path: string, source: string): ObjectFacts {
  let file: number;
  let found: Stats | undefined;
  try {
    // An object that is not there any more costs an exception, with its stack, ten times this question.
    found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isFile() !== true) return NOTHING;
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return NOTHING;
  }
  try {
    const elf = new ElfTable(new ObjectBytes(file, found.size));
    if (OF_LINK_TIME.some((name) => elf.names.includes(name, 0, 'latin1'))) return NOTHING;
    const names = /\.[sS]$/.test(source) ? [] : (functionNames(elf) ?? []);
    return { initOnly: isInitOnly(loadedSections(elf)), functions: functionsOf(names) };
  } catch {
    return NOTHING;
  } finally {
    closeSync(file);
  }
}

/**
 * True only when the object has code, all of it in `.init.text` and `.exit.text`, and every other loaded section is data of
 * such code too. Any variable or table that outlives the start (`.data`, `.bss`, `.rodata`, exports, parameters) makes it
 * false, although perhaps only that code uses it; strings of messages do not.
 */
export function isInitOnly(loaded: Iterable<SectionHeader>): boolean {
  let code = false;
  for (const { name, flags } of loaded) {
    if ((flags & SHF_EXECINSTR) !== 0) {
      if (INIT_CODE.test(name)) code = true;
      else if (!PATCHED_IN.test(name)) return false;
    } else if (!INIT_DATA.test(name) && !(name.startsWith('.rodata') && (flags & SHF_STRINGS) !== 0)) return false;
  }
  return code;
}

/** Marks of the compiler and of objtool, not functions of the source. */
const MARKS = ['__pfx_', '__cfi_'];

/** A clone (`f.isra.0`, `f.part.1`, `f.cold`) has the name of what it was made from; mangled Rust names stay whole. */
export function functionsOf(names: readonly string[]): string[] {
  const found = new Set<string>();
  for (const name of names) {
    if (name === '' || MARKS.some((mark) => name.startsWith(mark))) continue;
    const dot = name.indexOf('.');
    found.add(dot <= 0 || name.startsWith('_ZN') || name.startsWith('_R') ? name : name.slice(0, dot));
  }
  return [...found].toSorted();
}
