import { readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { type ElfBytes, ElfError } from './elf-table.ts';

/** An open file of so many bytes, read by place: a vmlinux may be larger than any buffer. */
export function openedBytes(file: number, size: number): ElfBytes {
  return {
    size,
    read(offset, length) {
      const bytes = Buffer.allocUnsafeSlow(length);
      if (readSync(file, bytes, 0, length, offset) !== length) throw new ElfError('the file is cut off');
      return bytes;
    },
  };
}

/** Asks something of the file at a path, of which little is read. Errors: those of open(2) and of `ask`. */
export async function askElf<T>(path: string, ask: (elf: ElfBytes) => T): Promise<T> {
  const file = await open(path, 'r');
  try {
    return ask(openedBytes(file.fd, (await file.stat()).size));
  } finally {
    await file.close();
  }
}
