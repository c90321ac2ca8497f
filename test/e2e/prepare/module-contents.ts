import { bytesOf, isLoaded, ObjectFile, readElf64 } from '#kernel';

const SHT_RELA = 4;
const SHF_MERGE = 0x10n;
/** A hash of everything else, debug information with its paths included. */
const BUILD_ID = '.note.gnu.build-id';
/** Tables whose entries may stand in any order: bytes of one (x86-64, Linux 6.1). The unwind table is two, side by side. */
const TABLES: Readonly<Record<string, number>> = {
  __mcount_loc: 8,
  __bug_table: 12,
  __ex_table: 12,
  __jump_table: 16,
  '.altinstructions': 14,
  '.smp_locks': 4,
  '.retpoline_sites': 4,
  '.return_sites': 4,
  '.call_sites': 4,
  '.static_call_sites': 8,
  '.kpatch.funcs': 56,
  '.orc_unwind': 6,
  '.orc_unwind_ip': 4,
};

type Section = ObjectFile['sections'][number];

/**
 * What a module holds, so that the order in which its parts were linked makes no difference: name of each loaded section →
 * its bytes and where its relocations lead, of a table entry by entry, of strings each by its text.
 */
export function moduleContents(elf: Buffer): Map<string, string> {
  const file = new ObjectFile(readElf64(bytesOf(elf)));
  const found = new Map<string, string>();
  const sections = file.sections.filter((one) => isLoaded(one) && one.type !== SHT_RELA && one.name !== BUILD_ID);
  const named = (name: string): Section | undefined => sections.find((one) => one.name === name);
  for (const section of sections) {
    const { name } = section;
    const words = isText(section) ? texts(file, section) : entries(file, section, TABLES[name] ?? section.size);
    found.set(name, [...(found.get(name)?.split('\n') ?? []), ...words].toSorted().join('\n'));
  }
  const [unwind, places] = [named('.orc_unwind'), named('.orc_unwind_ip')];
  if (unwind !== undefined && places !== undefined) {
    const at = entries(file, places, 4, false);
    const pairs = entries(file, unwind, 6, false).map((what, index) => `${at[index]} ${what}`);
    found.set('.orc_unwind', pairs.toSorted().join('\n'));
  }
  return found;
}

function isText({ name, flags }: Section): boolean {
  return name === '.kpatch.strings' || ((flags & SHF_MERGE) !== 0n && /\.str\d/.test(name));
}

function texts(file: ObjectFile, section: Section): string[] {
  return [...new Set(file.contentOf(section).toString('latin1').split('\0').filter(Boolean))];
}

function entries(file: ObjectFile, section: Section, bytes: number, sorted = true): string[] {
  const content = file.contentOf(section);
  const words = Array.from({ length: Math.ceil(section.size / Math.max(bytes, 1)) }, (_, index) => [
    content.toString('hex', index * bytes, (index + 1) * bytes),
  ]);
  for (const one of file.relocationsOf(section)) {
    const index = Math.floor(one.offset / bytes);
    words[index]?.push(`${one.offset - index * bytes} ${one.type} ${target(file, one)}`);
  }
  const lines = words.map((word) => withoutOldAddress(section, word.join(' ')));
  return sorted ? lines.toSorted() : lines;
}

/**
 * Of a function of a module, kpatch-build notes the address in the object that it compiled anew, we the one in the deployed
 * module. Nothing reads it (kpatch, livepatch-patch-hook.c): the livepatch core finds functions by name and position.
 */
function withoutOldAddress({ name }: Section, line: string): string {
  return name !== '.kpatch.funcs' || line.endsWith(' text vmlinux') ? line : line.slice(0, 32) + line.slice(48);
}

function target(file: ObjectFile, one: Parameters<ObjectFile['targetOf']>[0]): string {
  const { section, value } = one.symbol;
  if (section?.name !== '.kpatch.strings') return file.targetOf(one);
  const content = file.contentOf(section);
  const at = value + one.addend;
  return `text ${content.toString('latin1', at, content.indexOf(0, at))}`;
}
