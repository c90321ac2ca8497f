import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

const FIRST_BYTES = 1 << 20;
/** Command files have at most some hundred KiB, the archives of a whole kernel some MiB. */
const MAX_BYTES = 64 << 20;

/** Reads whole files one after the other into the same memory; the bytes are good until the next call. */
export class FileReader {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);

  /** The memory of the last file; longer than it. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Bytes of the file, or -1 when it is none that can be read, or is larger than 64 MiB. */
  read(path: string): number {
    let file: number;
    try {
      file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch {
      return -1;
    }
    try {
      let length = 0;
      for (;;) {
        const read = readSync(file, this.#bytes, length, this.#bytes.length - length, null);
        length += read;
        // A regular file is read to its end in one call (read(2)), unless the memory is full.
        if (length < this.#bytes.length) return length;
        if (length >= MAX_BYTES || !fstatSync(file).isFile()) return -1;
        const larger = Buffer.allocUnsafe(Math.min(MAX_BYTES, this.#bytes.length * 4));
        this.#bytes.copy(larger);
        this.#bytes = larger;
      }
    } catch {
      return -1;
    } finally {
      closeSync(file);
    }
  }
}
