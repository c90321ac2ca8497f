import { pipeline } from 'node:stream/promises';
import { createInflate, createZstdDecompress } from 'node:zlib';
import type { ByteSource } from './byte-source.ts';
import { MAX_SECTION_BYTES, unreadable } from './limits.ts';

const ELFCOMPRESS_ZLIB = 1;
const ELFCOMPRESS_ZSTD = 2;
const CHUNK = 1 << 20;
/** zlib packs at most 1,032 bytes into one; zstd more, but no compiler writes such debug information. */
const MAX_RATIO = 1_100;

/**
 * A compressed section: SHF_COMPRESSED begins with Elf64_Chdr (elf(5)), the older `.zdebug_*` with "ZLIB" and the size,
 * big-endian. It is streamed, so that the packed and the unpacked bytes are not held together.
 */
export async function inflateSection(
  handle: ByteSource,
  section: { readonly offset: number; readonly size: number },
  flagged: boolean,
  where: string,
): Promise<Buffer> {
  const headerBytes = flagged ? 24 : 12;
  if (section.size < headerBytes) throw unreadable('a compressed section is cut off', where);
  const header = Buffer.alloc(headerBytes);
  await handle.read(header, 0, headerBytes, section.offset);
  if (!flagged && header.toString('latin1', 0, 4) !== 'ZLIB') throw unreadable('not a compressed section', where);
  const size = Number(flagged ? header.readBigUInt64LE(8) : header.readBigUInt64BE(4));
  const method = flagged ? header.readUInt32LE(0) : ELFCOMPRESS_ZLIB;
  if (method !== ELFCOMPRESS_ZLIB && method !== ELFCOMPRESS_ZSTD)
    throw unreadable(`sections compressed by method ${method} are not read`, where);
  if (size > MAX_SECTION_BYTES || size > section.size * MAX_RATIO)
    throw unreadable('a compressed section is larger than any kernel has', where);
  const bytes = Buffer.allocUnsafeSlow(size);
  let at = 0;
  try {
    await pipeline(
      packed(handle, section.offset + headerBytes, section.size - headerBytes),
      method === ELFCOMPRESS_ZLIB ? createInflate({ chunkSize: CHUNK }) : createZstdDecompress({ chunkSize: CHUNK }),
      async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) {
          if (at + chunk.length > size) throw new RangeError('longer than its header says');
          at += chunk.copy(bytes, at);
        }
      },
    );
  } catch (cause) {
    throw unreadable('a compressed section cannot be unpacked', where, cause);
  }
  if (at !== size) throw unreadable('a compressed section is shorter than its header says', where);
  return bytes;
}

async function* packed(handle: ByteSource, offset: number, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < size; ) {
    const { bytesRead, buffer } = await handle.read(
      Buffer.allocUnsafe(CHUNK),
      0,
      Math.min(CHUNK, size - at),
      offset + at,
    );
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}
