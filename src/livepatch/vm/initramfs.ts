import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { findProgram, run } from '#host';
import { LivepatchError } from '../error.ts';
import { splitSignature } from '../signature/appended.ts';
import { type CpioEntry, cpio } from './cpio.ts';
import { loadOrder, readModulesDep } from './kernel-modules.ts';

const GZIP_LEVEL = 1;

/** A file put into the machine. */
export interface PayloadFile {
  readonly path: string;
  readonly content: Uint8Array;
  readonly mode?: number;
}

/**
 * Builds the initial file system: a static busybox, our init, the payload, and modules of the kernel with all they depend
 * on, without their debug information. Errors: vm-program-missing.
 */
export async function initramfs(
  modulesRoot: string,
  release: string,
  modules: readonly string[],
  payload: readonly PayloadFile[],
): Promise<Buffer> {
  const busybox = findProgram('busybox');
  if (busybox === undefined) throw missing('busybox', 'busybox-static');
  const entries: CpioEntry[] = [
    { path: 'bin/busybox', mode: 0o755, content: await readFile(busybox) },
    { path: 'init', mode: 0o755, content: await readFile(join(import.meta.dirname, 'init.sh')) },
    { path: 'dev', folder: true },
  ];
  const files = modules.length === 0 ? [] : loadOrder(await readModulesDep(modulesRoot, release), modules);
  for (const file of files)
    entries.push({
      path: `modules/${basename(file)}`,
      mode: 0o644,
      content: await stripped(join(modulesRoot, 'lib/modules', release, file)),
    });
  // The order in which they must be loaded: what others need comes first.
  entries.push({
    path: 'modules/order',
    mode: 0o644,
    content: Buffer.from(files.map((file) => `${basename(file)}\n`).join('')),
  });
  for (const { path, content, mode } of payload) entries.push({ path, content, mode: mode ?? 0o644 });
  return gzipSync(cpio(entries), { level: GZIP_LEVEL });
}

export function missing(program: string, debianPackage: string): LivepatchError {
  return new LivepatchError('vm-program-missing', 'toolchain', {
    what: `the proof needs "${program}"`,
    remedy: `apt-get install ${debianPackage}`,
  });
}

async function stripped(file: string): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'tuxtape-strip-'));
  try {
    const target = join(folder, 'module.ko');
    const whole = await readFile(file);
    // A signature covers every byte before it, and strip drops it.
    if (splitSignature(whole).signature !== null) return whole;
    await run('strip', ['--strip-debug', '-o', target, file], { timeoutMs: 60_000 });
    return await readFile(target);
  } finally {
    await rm(folder, { recursive: true });
  }
}
