import { type BuildId, buildIdOfNotes } from '#domain';
import { KernelError } from './error.ts';

const SHT_NOTE = 7;
const ELF_MAGIC = 0x464c457f;

/**
 * The GNU build-id of a 64-bit little-endian ELF file: the descriptor of the note named "GNU" of type 3 (elf(5), ld(1)
 * --build-id). `elf` needs to hold the section headers and note sections only as far as they lie in the buffer.
 */
export function readBuildId(elf: Buffer, where: string): BuildId {
  for (const { offset, size } of noteSections(elf)) {
    const id = buildIdOfNotes(elf.subarray(offset, offset + size));
    if (id !== undefined) return id;
  }
  throw new KernelError('build-id-missing', 'kernel-source', {
    what: 'the file has no GNU build-id note',
    where,
    remedy: 'a kernel is identified by its build-id: build it with a linker that supports --build-id',
  });
}

function* noteSections(elf: Buffer): Generator<{ offset: number; size: number }> {
  if (elf.length < 64 || elf.readUInt32LE(0) !== ELF_MAGIC || elf[4] !== 2 || elf[5] !== 1) return;
  const table = Number(elf.readBigUInt64LE(40));
  const entrySize = elf.readUInt16LE(58);
  const count = elf.readUInt16LE(60);
  for (let i = 0; i < count; i += 1) {
    const header = table + i * entrySize;
    if (header + 64 > elf.length) return;
    if (elf.readUInt32LE(header + 4) !== SHT_NOTE) continue;
    yield { offset: Number(elf.readBigUInt64LE(header + 24)), size: Number(elf.readBigUInt64LE(header + 32)) };
  }
}
