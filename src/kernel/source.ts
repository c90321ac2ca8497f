import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { hasCode } from '#domain';
import { readLimited } from '#host';
import { KernelError } from './error.ts';

const MAX_MAKEFILE_BYTES = 1 << 20;
const STATS_AT_ONCE = 64;

/** Products of a build that may lie in a source directory; they are not part of what is identified. */
const PRODUCT =
  /(?:^|\/)(?:\.[^/]*\.(?:cmd|d)|[^/]*\.(?:o|a|ko|mod|mod\.c|order|symvers)|\.git|\.config|\.config\.old)$/;

export interface KernelSource {
  readonly directory: string;
  /** `6.1.170`, or with EXTRAVERSION `6.1.170-custom`. */
  readonly version: string;
  /** sha256 over path, size and time of every file: says whether two directories are the same source. */
  readonly manifest: string;
}

/** Looks at a kernel source directory. Errors: source-not-a-kernel. */
export async function readSource(directory: string, signal?: AbortSignal): Promise<KernelSource> {
  const version = await sourceVersion(directory);
  return { directory, version, manifest: await manifestOf(directory, signal) };
}

/** VERSION.PATCHLEVEL.SUBLEVEL and EXTRAVERSION of the top Makefile; of RHEL's sources with `.el9` behind it. */
export async function sourceVersion(directory: string): Promise<string> {
  const makefile = join(directory, 'Makefile');
  let text: string;
  try {
    text = (await readLimited(makefile, MAX_MAKEFILE_BYTES)).toString('utf8');
  } catch (error) {
    if (!hasCode(error, 'file-missing', 'file-unreadable')) throw error;
    throw notAKernel(directory, error);
  }
  const field = (name: string): string => new RegExp(`^${name}\\s*=[ \\t]*(.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  const numbers = [field('VERSION'), field('PATCHLEVEL'), field('SUBLEVEL')];
  if (!numbers.slice(0, 2).every((number) => /^\d+$/.test(number)) || !/^KBUILD_/m.test(text))
    throw notAKernel(directory);
  return `${numbers.filter((number) => number !== '').join('.')}${field('EXTRAVERSION')}${await vendorMark(directory)}`;
}

/** Sources of RHEL and what is made of it have the version of a mainline release and changes of many later ones. */
async function vendorMark(directory: string): Promise<string> {
  const text = await readLimited(join(directory, 'Makefile.rhelver'), MAX_MAKEFILE_BYTES).then(String, () => '');
  const major = /^RHEL_MAJOR\s*=\s*(\d{1,3})/m.exec(text)?.[1];
  return major === undefined ? '' : `.el${major}`;
}

function notAKernel(directory: string, cause?: unknown): KernelError {
  return new KernelError('source-not-a-kernel', 'input', {
    what: 'the directory holds no Linux kernel source',
    where: directory,
    remedy: 'give the folder that holds the top Makefile of the kernel',
    cause,
  });
}

/** Every file of a source directory, relative to it and in order; what a build left there is not among them. */
async function identifyingFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .filter((path) => !PRODUCT.test(path) && !path.startsWith('.git/'))
    .sort();
}

async function manifestOf(directory: string, signal?: AbortSignal): Promise<string> {
  const paths = await identifyingFiles(directory);
  const hash = createHash('sha256');
  for (let start = 0; start < paths.length; start += STATS_AT_ONCE) {
    signal?.throwIfAborted();
    const part = paths.slice(start, start + STATS_AT_ONCE);
    const infos = await Promise.all(part.map((path) => stat(join(directory, path))));
    for (const [i, info] of infos.entries())
      hash.update(`${part[i]}\0${info.size}\0${Math.floor(info.mtimeMs / 1000)}\n`);
  }
  return hash.digest('hex');
}
