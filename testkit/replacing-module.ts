/** Livepatch modules as the two engines lay out what they replace; nothing else is in them. */
import { Buffer } from 'node:buffer';
import type { PatchedFunction } from '../src/domain/index.ts';
import { type ElfPart, makeElf, makeSymbols } from './elf.ts';

const RELA = 4;
const R_X86_64_64 = 1;
/** For what kernel these modules say that they are. */
export const RELEASE = '6.1.170-test';

/** Names, each with a zero behind it, and where each begins. */
class Strings {
  #text = '\0';

  at(text: string): number {
    const start = this.#text.length;
    this.#text += `${text}\0`;
    return start;
  }

  bytes(): Buffer {
    return Buffer.from(this.#text, 'latin1');
  }
}

/** A pointer at `at`, to `addend` in the section that the symbol of that number stands for. */
function pointer(at: number, symbol: number, addend: number): Buffer {
  const entry = Buffer.alloc(24);
  entry.writeBigUInt64LE(BigInt(at), 0);
  entry.writeUInt32LE(R_X86_64_64, 8);
  entry.writeUInt32LE(symbol, 12);
  entry.writeBigInt64LE(BigInt(addend), 16);
  return entry;
}

function modinfo(name: string, mark: string): ElfPart {
  return { name: '.modinfo', content: Buffer.from(`${mark}\0name=${name}\0`) };
}

/** `.kpatch.funcs`, an array of struct kpatch_patch_func. */
export function kpatchModule(
  name: string,
  functions: readonly PatchedFunction[],
  mark = `livepatch=Y\0vermagic=${RELEASE} SMP mod_unload `,
): Buffer {
  const strings = new Strings();
  const rela = functions.flatMap((one, i) => [
    pointer(i * 56 + 40, 1, strings.at(one.name)),
    pointer(i * 56 + 48, 1, strings.at(one.object)),
  ]);
  const [symbols, names] = makeSymbols([{ name: '', type: 3, section: 2 }]);
  return makeElf([
    modinfo(name, mark),
    { name: '.kpatch.strings', content: strings.bytes() },
    { name: '.kpatch.funcs', content: Buffer.alloc(functions.length * 56) },
    { name: '.rela.kpatch.funcs', type: RELA, content: Buffer.concat(rela), link: 5, info: 3 },
    { name: '.symtab', type: 2, content: symbols, link: 6 },
    { name: '.strtab', type: 3, content: names },
  ]);
}

/** `.init.klp_objects` and `.init.klp_funcs`, arrays of struct klp_object_ext and klp_func_ext; vmlinux has no name. */
export function klpModule(
  name: string,
  functions: readonly PatchedFunction[],
  mark = `livepatch=Y\0vermagic=${RELEASE} SMP mod_unload `,
): Buffer {
  const strings = new Strings();
  const objects = [...new Set(functions.map(({ object }) => object))];
  const sorted = objects.flatMap((object) => functions.filter((one) => one.object === object));
  const content = Buffer.alloc(objects.length * 64);
  const ofObjects = objects.flatMap((object, i) => {
    const first = sorted.findIndex((one) => one.object === object);
    content.writeUInt32LE(sorted.filter((one) => one.object === object).length, i * 64 + 56);
    const named = object === 'vmlinux' ? [] : [pointer(i * 64, 1, strings.at(object))];
    return [...named, pointer(i * 64 + 8, 2, first * 24)];
  });
  const ofFunctions = sorted.map((one, i) => pointer(i * 24, 1, strings.at(one.name)));
  const [symbols, names] = makeSymbols([
    { name: '', type: 3, section: 2 },
    { name: '', type: 3, section: 3 },
  ]);
  return makeElf([
    modinfo(name, mark),
    { name: '.rodata', content: strings.bytes() },
    { name: '.init.klp_funcs', content: Buffer.alloc(sorted.length * 24) },
    { name: '.rela.init.klp_funcs', type: RELA, content: Buffer.concat(ofFunctions), link: 7, info: 3 },
    { name: '.init.klp_objects', content },
    { name: '.rela.init.klp_objects', type: RELA, content: Buffer.concat(ofObjects), link: 7, info: 5 },
    { name: '.symtab', type: 2, content: symbols, link: 8 },
    { name: '.strtab', type: 3, content: names },
  ]);
}
