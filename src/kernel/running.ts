import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip as gunzipBytes } from 'node:zlib';
import { type BuildId, buildIdOfNotes, hasCode } from '#domain';
import { type Banner, parseBanner } from './banner.ts';
import { buildIdOf } from './build-id.ts';
import { KernelError } from './error.ts';
import { type KernelConfig, parseKernelConfig } from './kconfig.ts';

const gunzip = promisify(gunzipBytes);
const CHUNK_BYTES = 8 << 20;
/** More than a banner or a compressed configuration needs: what lies across two chunks is seen whole. */
const OVERLAP_BYTES = 2 << 20;
const MAX_CONFIG_BYTES = 4 << 20;
const ELF = Buffer.from('\x7fELF', 'latin1');
const GZIP = Buffer.from([0x1f, 0x8b]);

/** What is known of a running kernel; what the file does not say is null. */
export interface Running {
  readonly banner: Banner | null;
  readonly config: KernelConfig | null;
  readonly buildId: BuildId | null;
}

const SILENT: Running = { banner: null, config: null, buildId: null };
/** /sys/kernel/notes has some hundred bytes. */
const MAX_NOTES_BYTES = 64 << 10;

/**
 * Reads what a running kernel says of itself: the text of /proc/version, /proc/config.gz (packed or not), /sys/kernel/notes
 * (its build-id), or a vmlinux (banner, build-id, and its configuration where CONFIG_IKCONFIG put it in). Errors: running-unreadable, config-unreadable.
 */
export async function readRunning(file: string, signal?: AbortSignal): Promise<Running> {
  const handle = await open(file).catch((cause: unknown) => {
    throw unreadable(file, cause);
  });
  try {
    let found = SILENT;
    let kept: Buffer = Buffer.alloc(0);
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, null);
      const seen = Buffer.concat([kept, buffer.subarray(0, bytesRead)]);
      if (kept.length === 0 && !seen.subarray(0, 4).equals(ELF)) return await readRunningBytes(seen, file);
      found = {
        ...found,
        banner: found.banner ?? bannerIn(seen),
        config: found.config ?? (await configIn(seen, file)),
      };
      if (bytesRead === 0 || (found.banner && found.config)) break;
      kept = seen.subarray(Math.max(0, seen.length - OVERLAP_BYTES));
    }
    if (found.banner === null) throw unreadable(file);
    const buildId = await buildIdOf(file).catch((error: unknown) => {
      if (hasCode(error, 'build-id-missing')) return null;
      throw error;
    });
    return { ...found, buildId };
  } finally {
    await handle.close();
  }
}

/** As `readRunning`, for what was read from elsewhere, e.g. standard input. */
export async function readRunningBytes(bytes: Buffer, where: string): Promise<Running> {
  if (bytes.subarray(0, 4).equals(ELF)) {
    const banner = bannerIn(bytes);
    if (banner === null) throw unreadable(where);
    return { ...SILENT, banner, config: await configIn(bytes, where) };
  }
  if (bytes.subarray(0, 2).equals(GZIP)) return { ...SILENT, config: await unpackConfig(bytes, where) };
  const buildId = bytes.length <= MAX_NOTES_BYTES ? buildIdOfNotes(bytes) : undefined;
  if (buildId !== undefined) return { ...SILENT, buildId };
  const text = bytes.toString('utf8');
  const banner = parseBanner(text.slice(0, CHUNK_BYTES)) ?? null;
  if (banner !== null) return { ...SILENT, banner };
  try {
    return { ...SILENT, config: parseKernelConfig(text, where) };
  } catch (cause) {
    if (!hasCode(cause, 'config-unreadable')) throw cause;
    throw unreadable(where, cause);
  }
}

function bannerIn(bytes: Buffer): Banner | null {
  for (let at = bytes.indexOf('Linux version '); at >= 0; at = bytes.indexOf('Linux version ', at + 1)) {
    const found = parseBanner(bytes.toString('latin1', at, at + 1024));
    if (found) return found;
  }
  return null;
}

/** kernel/configs.c: the packed `.config` lies between the words IKCFG_ST and IKCFG_ED. */
async function configIn(bytes: Buffer, where: string): Promise<KernelConfig | null> {
  const start = bytes.indexOf('IKCFG_ST\x1f\x8b', 0, 'latin1');
  const end = start < 0 ? -1 : bytes.indexOf('IKCFG_ED', start, 'latin1');
  return end < 0 ? null : unpackConfig(bytes.subarray(start + 8, end), where);
}

async function unpackConfig(bytes: Buffer, where: string): Promise<KernelConfig> {
  try {
    return parseKernelConfig((await gunzip(bytes, { maxOutputLength: MAX_CONFIG_BYTES })).toString('utf8'), where);
  } catch (cause) {
    throw unreadable(where, cause);
  }
}

function unreadable(where: string, cause?: unknown): KernelError {
  return new KernelError('running-unreadable', 'input', {
    what: 'this says nothing of a running kernel',
    where,
    remedy: 'give /proc/version, /proc/config.gz, /sys/kernel/notes, or a vmlinux',
    cause,
  });
}
