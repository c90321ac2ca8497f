import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ProgramError } from '#host';
import { IN_TREE } from '#kernel';
import { LivepatchError } from '../../error.ts';
import type { EngineJob } from '../engine.ts';
import { runTool } from '../pairs/tool.ts';

export const OBJTOOL = `${IN_TREE}/tools/objtool/objtool`;

/** Errors: engine-missing, for an objtool without livepatch support. */
export async function requireObjtool(job: EngineJob): Promise<void> {
  // Without a command it tells how it is used and fails; built without libxxhash it says what is not implemented.
  const told = await runTool(job, OBJTOOL, ['klp'], { okCodes: [0, 1, 129, 255], onOutput: () => {} }).catch(
    (error: unknown) => {
      if (error instanceof ProgramError) return { stdout: error.stdout, stderr: 'not implemented' };
      throw error;
    },
  );
  if (!/not implemented/.test(`${told.stdout}${told.stderr}`)) return;
  throw new LivepatchError('engine-missing', 'toolchain', {
    what: "the kernel's objtool was built without livepatch support",
    where: 'tools/objtool/objtool',
    remedy: 'install libxxhash-dev (0.8 or later) into the toolchain and build the kernel again',
  });
}

/**
 * Words for objtool as the build ran it on what is linked: `vmlinux.o`, or the one object of a module. Null when it ran on each
 * object by itself (scripts/Makefile.vmlinux_o, delay-objtool).
 */
export async function linkedWords(job: EngineJob, linked: string): Promise<string[] | null> {
  const cmd = join(job.layout.build, dirname(linked), `.${basename(linked)}.cmd`);
  const text = await readFile(cmd, 'utf8').catch(() => '');
  const step = /(?: ; | && )\.\/tools\/objtool\/objtool ([^\n]*)$/m.exec(text.split('\n')[0] ?? '')?.[1];
  const words = step?.split(' ').filter((word) => word !== '' && word !== linked && word !== '--werror') ?? [];
  return words.includes('--orc') || words.includes('--ibt') ? words : null;
}
