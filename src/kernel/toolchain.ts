import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exists, findProgram, isRoot, makeFolders, plainEnvironment, run, writeAtomic } from '#host';
import { KernelError } from './error.ts';

const MAKE_TIMEOUT_MS = 40 * 60_000;

/** What a kernel and kpatch-build need, by Debian package name. */
const PACKAGES = [
  'build-essential',
  'flex',
  'bison',
  'bc',
  'libelf-dev',
  'libssl-dev',
  'openssl',
  'cpio',
  'kmod',
  'dwarves',
  'xz-utils',
  'rsync',
  'gawk',
  'patch',
  'patchutils',
  'python3-minimal',
  'zstd',
] as const;

const MANIFEST = '.tuxtape-toolchain.json';

/**
 * Makes a chroot with the compiler and the tools of a Debian suite, kpatch-build included. It appears whole or not at
 * all; one that is there already with the same manifest is kept. Needs root (debootstrap).
 */
export async function makeChroot(
  directory: string,
  suite: string,
  onOutput: (text: string) => void,
): Promise<'made' | 'kept'> {
  const manifest = `${JSON.stringify({ suite, packages: PACKAGES }, null, 2)}\n`;
  if ((await readFile(join(directory, MANIFEST), 'utf8').catch(() => '')) === manifest) return 'kept';
  if (!isRoot()) {
    throw new KernelError('toolchain-needs-root', 'input', {
      what: 'making a chroot needs root',
      where: directory,
      remedy: 'run this one command with sudo',
    });
  }
  if (findProgram('debootstrap') === undefined) {
    throw new KernelError('toolchain-missing', 'toolchain', {
      what: 'debootstrap is not installed',
      remedy: 'apt-get install debootstrap',
    });
  }
  const temporary = `${directory}.part`;
  await rm(temporary, { recursive: true, force: true });
  await makeFolders(temporary);
  try {
    await fill(temporary, suite, onOutput);
  } catch (error) {
    throw new KernelError('toolchain-not-made', 'network', {
      what: 'the chroot could not be made',
      where: directory,
      remedy: 'check the network and the free space, and run it again; nothing was left behind but the .part folder',
      cause: error,
    });
  }
  await writeAtomic(join(temporary, MANIFEST), manifest);
  if (await exists(directory)) await rename(directory, `${directory}.old`);
  await rename(temporary, directory);
  await rm(`${directory}.old`, { recursive: true, force: true });
  return 'made';
}

async function fill(root: string, suite: string, onOutput: (text: string) => void): Promise<void> {
  const options = { timeoutMs: MAKE_TIMEOUT_MS, onOutput, keepTail: true, maxOutput: 1 << 20 };
  await isolated(['debootstrap', '--variant=minbase', `--include=${PACKAGES.join(',')}`, suite, root], options);
  await installKpatchBuild(root, options);
  await isolated(['chroot', root, 'apt-get', 'clean'], options);
  // Mount points for work trees: the sandbox mounts the root read-only.
  await makeFolders(join(root, 'mnt'));
}

/**
 * The package kpatch-build pulls in a documentation toolchain by dependency that no build uses (half a gigabyte of it),
 * so only its own files are unpacked; the programs it calls are in PACKAGES.
 */
async function installKpatchBuild(root: string, options: Parameters<typeof run>[2]): Promise<void> {
  const inside = { ...options, env: plainEnvironment({ HOME: '/root', DEBIAN_FRONTEND: 'noninteractive' }) };
  const download = 'cd /var/cache/apt/archives && apt-get download kpatch-build && dpkg -x kpatch-build_*.deb /';
  await isolated(['chroot', root, 'sh', '-c', download], inside);
  await isolated(['chroot', root, 'kpatch-build', '--version'], inside);
}

/**
 * Runs a command in mount and process namespaces of its own: what debootstrap mounts in the chroot goes with it, so that
 * removing an unfinished chroot never reaches through a mount into the machine, and no process of it outlives us.
 */
async function isolated(command: readonly string[], options: Parameters<typeof run>[2]): Promise<void> {
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child'];
  await run('unshare', [...namespaces, '--', ...command], { ...options, diesWithUs: true });
}
