import { type BuildId, buildIdOfNotes } from '#domain';
import { askElf } from './elf-bytes.ts';
import { type ElfBytes, ElfError, readElf64, SHT_NOTE } from './elf-table.ts';
import { KernelError } from './error.ts';

/**
 * The GNU build-id of a 64-bit little-endian ELF file: the descriptor of the note named "GNU" of type 3 (elf(5), ld(1)
 * --build-id). Errors: build-id-missing, also for a file that is none or is cut off.
 */
export function readBuildId(elf: ElfBytes, where: string): BuildId {
  const missing = (what: string, cause?: unknown): KernelError =>
    new KernelError('build-id-missing', 'kernel-source', {
      what,
      where,
      remedy: 'a kernel is identified by its build-id: build it with a linker that supports --build-id',
      cause,
    });
  try {
    const table = readElf64(elf);
    for (let i = 0; i < table.count; i += 1) {
      const id = table.typeOf(i) === SHT_NOTE ? buildIdOfNotes(table.content(i)) : undefined;
      if (id !== undefined) return id;
    }
  } catch (error) {
    throw error instanceof ElfError ? missing(error.message, error) : error;
  }
  throw missing('the file has no GNU build-id note');
}

/** Of the file at a path. Errors: build-id-missing; those of open(2). */
export async function buildIdOf(path: string): Promise<BuildId> {
  return askElf(path, (elf) => readBuildId(elf, path));
}
