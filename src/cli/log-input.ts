import { constants, createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { fromErrno } from '#host';

const PIECE_BYTES = 256 << 10;
const DOING = 'read the log';

/** Says what cannot be read before anything is printed. Errors: file-missing, file-unreadable. */
export async function requireReadable(files: readonly string[]): Promise<void> {
  for (const file of files) {
    if (file === '-') continue;
    await access(file, constants.R_OK).catch((error: unknown) => {
      throw fromErrno(error, file, DOING);
    });
  }
}

/** A file piece by piece; `-` is the standard input. Errors: file-missing, file-unreadable. */
export async function* pieces(file: string): AsyncGenerator<Uint8Array> {
  const stream = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: PIECE_BYTES });
  try {
    for await (const piece of stream) yield piece as Uint8Array;
  } catch (error) {
    throw fromErrno(error, file, DOING);
  }
}
