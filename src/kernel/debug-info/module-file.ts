import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { hasCode } from '#domain';
import { run } from '#host';
import { MAX_MODULE_BYTES, unreadable } from './limits.ts';

const UNPACK_TIMEOUT_MS = 120_000;

/** A module file that can be read as it is: the path itself, or a copy that is unpacked and removed afterwards. */
export class ModuleCopy implements AsyncDisposable {
  readonly path: string;
  readonly #folder: string | null;

  private constructor(path: string, folder: string | null) {
    this.path = path;
    this.#folder = folder;
  }

  /** Errors: debug-info-unreadable; program-missing, where a module is packed by xz and that program is not there. */
  static async of(path: string, signal?: AbortSignal): Promise<ModuleCopy> {
    if (!/\.(?:xz|zst|gz)$/.test(path)) return new ModuleCopy(path, null);
    const folder = await mkdtemp(join(tmpdir(), 'tuxtape-module-'));
    try {
      const copy = join(folder, 'module.ko');
      if (path.endsWith('.xz')) await unpackXz(path, copy, signal);
      else await pipeline(createReadStream(path), unpacker(path), limited(path), createWriteStream(copy), { signal });
      return new ModuleCopy(copy, folder);
    } catch (cause) {
      await rm(folder, { recursive: true, force: true });
      signal?.throwIfAborted();
      if (hasCode(cause, 'program-missing', 'debug-info-unreadable')) throw cause;
      throw unreadable('the packed module cannot be unpacked', path, cause);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#folder !== null) await rm(this.#folder, { recursive: true, force: true });
  }
}

function unpacker(path: string): Transform {
  return path.endsWith('.gz') ? createGunzip() : createZstdDecompress();
}

function limited(path: string): (chunks: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
  return async function* within(chunks) {
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > MAX_MODULE_BYTES) throw unreadable('the packed module is larger than any module', path);
      yield chunk;
    }
  };
}

/** Node has no xz. The limit on the file it writes is the kernel's (RLIMIT_FSIZE), since xz has none of its own. */
async function unpackXz(path: string, copy: string, signal: AbortSignal | undefined): Promise<void> {
  await copyFile(path, `${copy}.xz`);
  await run(
    'prlimit',
    [`--fsize=${MAX_MODULE_BYTES}`, 'xz', '-d', '-q', '--memlimit-decompress=512MiB', `${copy}.xz`],
    {
      timeoutMs: UNPACK_TIMEOUT_MS,
      ...(signal && { signal }),
    },
  );
}
