import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { ModuleFacts } from '#domain';
import { KernelError } from './error.ts';

const VERSION = 1;
const MAX_DECODED_BYTES = 64 << 20;

interface Encoded {
  readonly version: number;
  readonly release: string;
  /** Name, aliases asked for by programs, aliases of devices, modules it needs, modules it wants. */
  readonly modules: [string, string[], string[], string[], string[]][];
  readonly builtIn: string[];
}

/** What modprobe knows of a kernel's modules as bytes: JSON, zstd. */
export function encodeModuleFacts({ release, modules, builtIn }: ModuleFacts): Buffer {
  const encoded: Encoded = {
    version: VERSION,
    release,
    modules: [...modules].map(([name, { onDemand, hardware, needs, wants }]) => [
      name,
      [...onDemand],
      [...hardware],
      [...needs],
      [...wants],
    ]),
    builtIn: [...builtIn],
  };
  return zstdCompressSync(JSON.stringify(encoded));
}

/** Errors: modules-unreadable. */
export function decodeModuleFacts(bytes: Uint8Array, where: string): ModuleFacts {
  try {
    const text = zstdDecompressSync(bytes, { maxOutputLength: MAX_DECODED_BYTES }).toString('utf8');
    const { version, release, modules, builtIn } = JSON.parse(text) as Encoded;
    if (version !== VERSION) throw new TypeError(`version ${version}`);
    const byName = modules.map(([name, onDemand, hardware, needs, wants]) => {
      return [name, { onDemand, hardware, needs, wants }] as const;
    });
    return { release, modules: new Map(byName), builtIn: new Set(builtIn) };
  } catch (error) {
    throw new KernelError('modules-unreadable', 'us', {
      what: 'the stored module data cannot be read',
      where,
      remedy: 'run "tuxtape kernel profile" again',
      cause: error,
    });
  }
}
