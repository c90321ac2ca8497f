import { join } from 'node:path';
import { exists } from '#host';
import { LivepatchError } from '../../error.ts';
import type { EngineJob } from '../engine.ts';

/** Where Debian's package puts the programs that kpatch-build calls, and the module it builds them into. */
export const PROGRAMS = '/usr/lib/kpatch';
export const TEMPLATE = '/usr/share/kpatch/patch';

/** Errors: engine-missing. */
export async function requireTools({ toolchain }: EngineJob): Promise<void> {
  const root = toolchain.root ?? '/';
  for (const path of [`${PROGRAMS}/create-diff-object`, `${PROGRAMS}/create-klp-module`, `${TEMPLATE}/Makefile`])
    if (!(await exists(join(root, path))))
      throw new LivepatchError('engine-missing', 'toolchain', {
        what: 'the toolchain has no kpatch-build',
        where: join(root, path),
        remedy: 'install the package kpatch-build into the toolchain, or make one with "tuxtape toolchain make"',
      });
}
