import { type BuildId, buildIdOfNotes } from '#domain';
import { SHT_NOTE } from '../elf-table.ts';
import { KernelError } from '../error.ts';
import type { ElfFile } from './elf-file.ts';

const MAX_NOTE_BYTES = 1 << 20;
const MAX_MODINFO_BYTES = 1 << 20;
/** init/version.c: `Linux version <release> (<user>@<host>) (<compiler>, <linker>) #<version>`. */
const BANNER = /Linux version (\S{1,256}) \([^()\n]{0,256}\) \(([^\n\0]{1,512}?)\) #/;

export interface Banner {
  /** `uname -r`. */
  readonly release: string;
  /** First line of the compiler's `--version`. */
  readonly compiler: string;
}

/** The GNU build-id of a kernel. Errors: build-id-missing. */
export async function buildIdOf(elf: ElfFile): Promise<BuildId> {
  for (const section of elf.sections) {
    if (section.type !== SHT_NOTE || section.size > MAX_NOTE_BYTES) continue;
    const id = buildIdOfNotes(await elf.read(section));
    if (id !== undefined) return id;
  }
  throw new KernelError('build-id-missing', 'input', {
    what: 'vmlinux has no GNU build-id note',
    where: elf.path,
    remedy: 'a kernel is identified by its build-id: give the debug package of a kernel that has one',
  });
}

/** What `linux_banner` says; undefined in a file from which all but debug information was taken. */
export async function bannerOf(elf: ElfFile): Promise<Banner | undefined> {
  const sections = [...elf.named('.rodata'), ...elf.named('.init.rodata'), ...elf.named('.init.data')];
  for (const section of sections) {
    const bytes = await elf.read(section);
    for (let at = bytes.indexOf('Linux version '); at >= 0; at = bytes.indexOf('Linux version ', at + 1)) {
      const match = BANNER.exec(bytes.toString('latin1', at, at + 1_200));
      if (match?.index === 0) return { release: match[1]!, compiler: withoutLinker(match[2]!) };
    }
  }
  return undefined;
}

/** scripts/mkcompile_h writes `<compiler>, <linker>`; kernels before 5.8 have the compiler alone. */
function withoutLinker(text: string): string {
  return text.replace(/, (?:GNU ld|GNU gold|LLD|ld\.lld|mold)\b.*$/, '');
}

/** The release a module was built for, the first word of its vermagic; undefined where it says none. */
export async function releaseOfModule(elf: ElfFile): Promise<string | undefined> {
  for (const section of elf.named('.modinfo')) {
    if (section.size > MAX_MODINFO_BYTES) continue;
    const text = (await elf.read(section)).toString('latin1');
    const found = text.split('\0').find((entry) => entry.startsWith('vermagic='));
    if (found !== undefined) return found.slice('vermagic='.length).split(' ')[0];
  }
  return undefined;
}
