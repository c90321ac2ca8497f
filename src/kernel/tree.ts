import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildId } from '#domain';
import { exists } from '#host';
import { KernelError } from './error.ts';

/** Where the parts of one kernel lie below its tree directory. */
export interface TreeLayout {
  readonly directory: string;
  /** Copy of the source in which the deployed kernel is built. */
  readonly build: string;
  /** The deployed kernel: vmlinux, the boot image, System.map, Module.symvers, .config, modules/, built.json. */
  readonly out: string;
  readonly log: string;
}

/** What `out/built.json` says. */
export interface Built {
  readonly buildId: BuildId;
  /** `uname -r`. */
  readonly release: string;
  readonly version: string;
  readonly compiler: string;
  /** Wall seconds of the build. */
  readonly seconds: number;
}

export function treeLayout(directory: string): TreeLayout {
  return { directory, build: join(directory, 'build'), out: join(directory, 'out'), log: join(directory, 'build.log') };
}

export async function readBuilt(layout: TreeLayout): Promise<Built | undefined> {
  const text = await readFile(join(layout.out, 'built.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Built);
}

/** As `readBuilt`. Errors: tree-missing. */
export async function needBuilt(layout: TreeLayout): Promise<Built> {
  const built = await readBuilt(layout);
  if (built && (await exists(join(layout.out, 'vmlinux')))) return built;
  throw new KernelError('tree-missing', 'input', {
    what: 'the kernel is not built here',
    where: layout.directory,
    remedy: 'run "tuxtape kernel build"',
  });
}
