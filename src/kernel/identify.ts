import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, type Toolchain } from '#domain';
import { runSandboxed } from '#host';
import { KernelError } from './error.ts';

/** Written beside what was unpacked from a container image; says which image it was. */
export const IMAGE_MANIFEST = '.tuxtape-image.json';
const VERSION_TIMEOUT_MS = 60_000;

/**
 * Says which compiler, linker and tools a toolchain has, by their own words. `root` null is this host; `cross` is the
 * prefix of a cross compiler. Errors: toolchain-missing, when there is no working gcc.
 */
export async function identifyToolchain(root: string | null, cross?: string): Promise<Toolchain> {
  const prefix = cross ?? '';
  const image = root === null ? undefined : await imageDigest(root);
  try {
    const compiler = await firstLine(root, `${prefix}gcc`);
    const others = await Promise.all(
      [`${prefix}ld`, 'make', 'clang', 'pahole', 'rustc'].map((program) => versionOf(root, program)),
    );
    const [linker, make, clang, pahole, rustc] = others;
    const tools = Object.entries({ make, clang, pahole, rustc }).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    );
    return {
      kind: root === null ? 'host' : image === undefined ? 'chroot' : 'image',
      root,
      compiler,
      linker: linker ?? null,
      ...(cross === undefined ? {} : { cross }),
      ...(image === undefined ? {} : { image }),
      tools: Object.fromEntries(tools),
    };
  } catch (error) {
    throw new KernelError('toolchain-missing', 'toolchain', {
      what: `the toolchain has no working ${prefix}gcc`,
      where: root ?? 'this host',
      remedy: remedy(root, cross),
      cause: error,
    });
  }
}

function remedy(root: string | null, cross: string | undefined): string {
  const where = root === null ? 'on this host' : 'in it';
  if (cross !== undefined)
    return `install the cross compiler ${where}: for aarch64 Debian calls it gcc-aarch64-linux-gnu`;
  return root === null ? 'install build-essential and bubblewrap' : 'make it with "tuxtape toolchain make"';
}

async function firstLine(root: string | null, program: string): Promise<string> {
  const options = { timeoutMs: VERSION_TIMEOUT_MS };
  const { stdout } = await runSandboxed({ root, mounts: [], cwd: '/' }, program, ['--version'], options);
  return stdout.split('\n')[0]!.trim();
}

/** Null: it is not there, or does not work. */
async function versionOf(root: string | null, program: string): Promise<string | null> {
  try {
    return await firstLine(root, program);
  } catch (error) {
    if (hasCode(error, 'program-failed', 'timed-out', 'output-too-long')) return null;
    throw error;
  }
}

async function imageDigest(root: string): Promise<string | undefined> {
  const text = await readFile(join(root, IMAGE_MANIFEST), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : /"image": "(sha256:[0-9a-f]{64})"/.exec(text)?.[1];
}
