import type { LivepatchRecipe } from '#domain';
import type { KernelSymbols } from '../src/livepatch/verify/kernel-symbols.ts';
import { parseModulesDep } from '../src/livepatch/vm/kernel-modules.ts';
import { type ElfPart, makeElf } from './elf.ts';

export const LIVEPATCH = 0xff20;
const SHF_ALLOC = 2;
const SHF_RELA_LIVEPATCH = 0x00100000;
export const MODULE_NAME = 'tuxtape_sample';

interface Symbol {
  readonly name: string;
  /** 2 is a function. */
  readonly type?: number;
  /** Name of a section, `undefined` or `livepatch`. */
  readonly section: string;
  readonly isWeak?: boolean;
}

interface Relocations {
  readonly name: string;
  /** Name of the section that they change. */
  readonly of: string;
  readonly symbols: readonly string[];
  readonly isLivepatch?: boolean;
  /** R_*: 0 does nothing. */
  readonly type?: number;
}

export interface ModuleShape {
  readonly info?: Readonly<Record<string, string>>;
  readonly sections?: readonly string[];
  readonly symbols?: readonly Symbol[];
  readonly relocations?: readonly Relocations[];
}

/** A livepatch of one function of vmlinux that refers to `_printk` and, through the livepatch core, to `hidden`. */
export const soundShape = {
  info: { livepatch: 'Y', license: 'GPL', depends: '', name: MODULE_NAME, vermagic: '6.1.170 SMP mod_unload ' },
  sections: ['.text.sample', '.init.text'],
  symbols: [
    { name: 'sample', type: 2, section: '.text.sample' },
    { name: 'init_module', type: 2, section: '.init.text' },
    { name: '_printk', section: 'undefined' },
    { name: '.klp.sym.vmlinux.hidden,0', section: 'livepatch' },
  ],
  relocations: [
    { name: '.rela.text.sample', of: '.text.sample', symbols: ['_printk'] },
    {
      name: '.klp.rela.vmlinux..text.sample',
      of: '.text.sample',
      symbols: ['.klp.sym.vmlinux.hidden,0'],
      isLivepatch: true,
    },
  ],
} as const satisfies ModuleShape;

/** A module file by hand; what is not given is as in `soundShape`. */
export function makeModule(shape: ModuleShape = {}): Buffer {
  const { sections, symbols, relocations }: Required<ModuleShape> = { ...soundShape, ...shape };
  const info: Readonly<Record<string, string>> & { readonly name: string } = { ...soundShape.info, ...shape.info };
  const parts: ElfPart[] = [
    { name: '.modinfo', flags: SHF_ALLOC, content: Buffer.from(entriesOf(info)) },
    { name: '.gnu.linkonce.this_module', flags: SHF_ALLOC, content: thisModule(info.name) },
    ...sections.map((name) => ({ name, flags: SHF_ALLOC, content: Buffer.alloc(16) })),
  ];
  const at = (name: string): number => parts.findIndex((part) => part.name === name) + 1;
  const names = Buffer.from(`\0${symbols.map(({ name }) => `${name}\0`).join('')}`, 'latin1');
  const table = Buffer.concat([
    Buffer.alloc(24),
    ...symbols.map((symbol) => symbolEntry(symbol, names, at(symbol.section))),
  ]);
  const indexOf = (name: string): number => symbols.findIndex((symbol) => symbol.name === name) + 1;
  const relas = relocations.map(({ name, of, symbols: used, isLivepatch = false, type = 1 }) => ({
    name,
    type: 4,
    flags: isLivepatch ? SHF_ALLOC | SHF_RELA_LIVEPATCH : 0,
    info: at(of),
    content: Buffer.concat(used.map((symbol) => rela(indexOf(symbol), type))),
  }));
  const first = parts.length + 1;
  return makeElf([
    ...parts,
    { name: '.symtab', type: 2, content: table, link: first + 1 },
    { name: '.strtab', type: 3, content: names },
    ...relas,
  ]);
}

function entriesOf(info: Readonly<Record<string, string>>): string {
  return Object.entries(info)
    .map(([key, value]) => `${key}=${value}\0`)
    .join('');
}

function thisModule(name: string): Buffer {
  const bytes = Buffer.alloc(128);
  bytes.write(name, 24);
  return bytes;
}

function symbolEntry({ name, type = 0, section, isWeak = false }: Symbol, names: Buffer, index: number): Buffer {
  const entry = Buffer.alloc(24);
  entry.writeUInt32LE(names.indexOf(`\0${name}\0`) + 1, 0);
  entry[4] = ((isWeak ? 2 : 1) << 4) | type;
  entry.writeUInt16LE(section === 'undefined' ? 0 : section === 'livepatch' ? LIVEPATCH : index, 6);
  return entry;
}

function rela(symbol: number, type: number): Buffer {
  const entry = Buffer.alloc(24);
  entry.writeUInt32LE(type, 8);
  entry.writeUInt32LE(symbol, 12);
  return entry;
}

/** The kernel that `soundShape` is for, with a module `helper` that exports `help` into a namespace. */
export function sampleKernel(symbols: readonly string[] = ['sample', 'hidden']): KernelSymbols {
  const counts = new Map<string, number>();
  for (const name of symbols) counts.set(name, (counts.get(name) ?? 0) + 1);
  return {
    exports: new Map([
      ['_printk', { object: 'vmlinux', namespace: '' }],
      ['help', { object: 'helper', namespace: 'HELP' }],
    ]),
    modules: parseModulesDep('kernel/helper.ko:\n'),
    of: (object) => (object === 'vmlinux' ? counts : undefined),
  };
}

export const sampleRecipe: LivepatchRecipe = {
  engine: 'kpatch',
  engineVersion: 'kpatch-build 0',
  compiler: 'gcc',
  buildId: 'a'.repeat(40),
  kernelRelease: '6.1.170',
  cves: [],
  fixCommits: [],
  patchSha256: 'b'.repeat(64),
  functions: [{ object: 'vmlinux', name: 'sample' }],
};
