import { basename, dirname, join } from 'node:path';
import type { Toolchain } from '#domain';
import { exists, ProgramError } from '#host';
import { runMake } from './arch.ts';
import { inTreeAlone } from './tree-lock.ts';

const MAKE_TIMEOUT_MS = 2 * 3_600_000;
/** Words of one command line; make takes far more, the system 128 KiB of each. */
const OBJECTS_AT_ONCE = 500;

export interface CommandOptions {
  /** Directory of the kernel, which holds its tree and the tree's lock. */
  readonly directory: string;
  readonly tree: string;
  readonly toolchain: Toolchain;
  readonly arch: string;
  readonly jobs: number;
  readonly signal: AbortSignal;
  readonly onOutput?: (text: string) => void;
}

/**
 * Has Kbuild make single objects of a configured tree that is not built (kernel documentation, kbuild/kbuild.rst, "make
 * dir/file.o"), so that their saved commands are there. Objects it cannot make are left out without a word: they have no
 * command, and what has none is never proved. Nothing is made where the commands are there already.
 */
export async function makeObjects(options: CommandOptions, objects: readonly string[]): Promise<void> {
  const missing: string[] = [];
  for (const object of objects) if (!(await exists(commandFile(options.tree, object)))) missing.push(object);
  if (missing.length === 0) return;
  await inTreeAlone(options.directory, options.signal, async () => {
    for (let start = 0; start < missing.length; start += OBJECTS_AT_ONCE)
      await make(options, missing.slice(start, start + OBJECTS_AT_ONCE));
  });
}

async function make({ tree, toolchain, arch, jobs, signal, onOutput }: CommandOptions, objects: readonly string[]) {
  const limits = { timeoutMs: MAKE_TIMEOUT_MS, keepTail: true, maxOutput: 4 << 20, signal };
  try {
    await runMake(tree, { toolchain, arch }, ['-k', `-j${jobs}`, ...objects], {
      ...limits,
      ...(onOutput && { onOutput }),
    });
  } catch (error) {
    if (!(error instanceof ProgramError) || error.code !== 'program-failed') throw error;
  }
}

function commandFile(tree: string, object: string): string {
  return join(tree, dirname(object), `.${basename(object)}.cmd`);
}
