import { bytesOf, readElf64 } from './elf-table.ts';
import { KernelError } from './error.ts';
import { isLoaded, ObjectFile, type ObjectSymbol } from './object-symbols.ts';

const STT_FUNC = 2;
/**
 * Sections that name places of code without anything being able to call them by it: lists of the function tracer, unwind
 * tables, and tables of instructions to be rewritten (include/asm-generic/vmlinux.lds.h, arch/x86/kernel/vmlinux.lds.S).
 */
const ABOUT_CODE =
  /^(?:__mcount_loc|__patchable_function_entries|\.orc_unwind(?:_ip|_header)?|\.eh_frame|__bug_table|__ex_table|__jump_table|\.altinstructions|\.parainstructions|\.smp_locks|\.static_call_sites|\.retpoline_sites|\.return_sites|\.call_sites|\.ibt_endbr_seal)$/;

/** Who can call a function of an object. */
export interface FunctionUsers {
  /** Functions of the object that call it or take its address, by their names in the symbol table; itself left out. */
  readonly functions: readonly string[];
  /** It is visible outside of the object, or data holds its address. */
  readonly isOpen: boolean;
}

/** Name in the symbol table → users, of every function of an object compiled with -ffunction-sections. Errors: object-unreadable. */
export function functionUsers(elf: Buffer, where: string): Map<string, FunctionUsers> {
  try {
    return usersIn(new ObjectFile(readElf64(bytesOf(elf))));
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new KernelError('object-unreadable', 'kernel-source', { what: 'not an object file', where, cause });
  }
}

function usersIn(file: ObjectFile): Map<string, FunctionUsers> {
  const functions = file.symbols.filter(({ type, section }) => type === STT_FUNC && section !== undefined);
  const bySection = Map.groupBy(functions, ({ section }) => section!.index);
  const found = new Map(
    functions.map(({ name, isLocal }) => [name, { functions: new Set<string>(), isOpen: !isLocal }]),
  );
  for (const section of file.sections.filter((one) => isLoaded(one) && !ABOUT_CODE.test(one.name)))
    for (const { offset, symbol } of file.relocationsOf(section)) {
      const used = symbol.section === undefined ? [] : (bySection.get(symbol.section.index) ?? []);
      const users = (bySection.get(section.index) ?? []).filter((one) => holds(one, offset));
      for (const { name } of used) {
        const entry = found.get(name)!;
        if (users.length === 0) entry.isOpen = true;
        for (const user of users) if (user.name !== name) entry.functions.add(user.name);
      }
    }
  return new Map([...found].map(([name, { functions: users, isOpen }]) => [name, { functions: [...users], isOpen }]));
}

function holds({ value, size }: ObjectSymbol, offset: number): boolean {
  return offset >= value && offset < value + size;
}
