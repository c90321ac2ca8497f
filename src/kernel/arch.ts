import { arch as nodeArch } from 'node:os';
import type { Toolchain } from '#domain';
import { type RunOptions, type RunResult, runSandboxed } from '#host';
import { KernelError } from './error.ts';
import { runInTree } from './sandbox.ts';

/** What Kbuild calls an architecture, and what it makes of a kernel to boot. */
interface Arch {
  /** Value of ARCH= and name of the folder below `arch/`. */
  readonly kbuild: string;
  /** The bootable image: its make target, and its file in `arch/<kbuild>/boot/`. */
  readonly image: string;
}

/**
 * Architectures by their `uname -m` word. `ARCH=x86` and not x86_64: it is what the top Makefile takes by itself on such
 * a machine (SUBARCH), so that a kernel is the same whether the architecture was named or not.
 */
const ARCHES: Readonly<Record<string, Arch>> = {
  x86_64: { kbuild: 'x86', image: 'bzImage' },
  aarch64: { kbuild: 'arm64', image: 'Image.gz' },
};

const NODE_WORDS: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** A prefix such as `aarch64-linux-gnu-`: a word, never a path or an option. */
const CROSS_PREFIX = /^[A-Za-z0-9_][A-Za-z0-9_.+]*(?:-[A-Za-z0-9_.+]+)*-$/;

/** This machine, as `uname -m` says it. */
export function machineArch(): string {
  return NODE_WORDS[nodeArch()] ?? nodeArch();
}

/** Errors: arch-unsupported. */
export function archOf(word: string): Arch {
  const found = Object.hasOwn(ARCHES, word) ? ARCHES[word] : undefined;
  if (found) return found;
  throw new KernelError('arch-unsupported', 'input', {
    what: `"${word.slice(0, 40)}" is no architecture that is known here`,
    remedy: `one of: ${Object.keys(ARCHES).join(', ')}, as "uname -m" says it`,
  });
}

/** Errors: arch-unsupported, for what is no prefix of a program's name. */
export function crossPrefix(text: string): string {
  if (text.length <= 64 && CROSS_PREFIX.test(text)) return text;
  throw new KernelError('arch-unsupported', 'input', {
    what: `"${text.slice(0, 64)}" is no prefix of a cross compiler`,
    remedy: 'give what stands before "gcc" in its name, with the last hyphen: aarch64-linux-gnu-',
  });
}

/**
 * The architecture a toolchain compiles for (`gcc -dumpmachine`), which must be the wanted one when one is named.
 * Errors: arch-unsupported.
 */
export async function toolchainArch(toolchain: Toolchain, wanted?: string): Promise<string> {
  if (wanted !== undefined) archOf(wanted);
  const gcc = `${toolchain.cross ?? ''}gcc`;
  const { stdout } = await runSandboxed({ root: toolchain.root, mounts: [], cwd: '/' }, gcc, ['-dumpmachine'], {
    timeoutMs: 60_000,
  });
  const own = stdout.trim().split('-')[0] ?? '';
  archOf(own);
  if (wanted === undefined || wanted === own) return own;
  throw new KernelError('arch-unsupported', 'input', {
    what: `${gcc} compiles for ${own}, not for ${wanted}`,
    where: toolchain.root ?? 'this host',
    remedy: `give the cross compiler, e.g. --cross ${wanted}-linux-gnu-`,
  });
}

/** Runs make in a tree for one architecture, with the toolchain's cross compiler if it is one. */
export async function runMake(
  tree: string,
  target: { readonly toolchain: Toolchain; readonly arch: string },
  args: readonly string[],
  options: Parameters<typeof runInTree>[4] & Omit<RunOptions, 'cwd' | 'env'> = {},
  mounts: Parameters<typeof runInTree>[5] = [],
): Promise<RunResult> {
  const { cross } = target.toolchain;
  const words = [`ARCH=${archOf(target.arch).kbuild}`, ...(cross === undefined ? [] : [`CROSS_COMPILE=${cross}`])];
  return runInTree(tree, target.toolchain, 'make', [...words, ...args], options, mounts);
}

/** The file that boots, below a build tree. */
export function imagePath(arch: string): { readonly target: string; readonly file: string } {
  const { kbuild, image } = archOf(arch);
  return { target: image, file: `arch/${kbuild}/boot/${image}` };
}
