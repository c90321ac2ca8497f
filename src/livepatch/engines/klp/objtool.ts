import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { IN_TREE } from '#kernel';
import { LivepatchError } from '../../error.ts';
import type { EngineJob } from '../engine.ts';
import { runStep } from '../pairs/tool.ts';

export const OBJTOOL = `${IN_TREE}/tools/objtool/objtool`;
/** Of a program that tells how it is used. */
const USAGE_CODES = [0, 1, 129, 255];

/** Errors: engine-missing, for an objtool without livepatch support; those of `diagnose`. */
export async function requireObjtool(job: EngineJob): Promise<void> {
  // Without a command it only tells how it is used; built without libxxhash it says what is not implemented.
  const { stdout, stderr } = await runStep(job, OBJTOOL, ['klp'], { okCodes: USAGE_CODES, onOutput: () => {} });
  if (!/not implemented/.test(`${stdout}${stderr}`)) return;
  throw new LivepatchError('engine-missing', 'toolchain', {
    what: "the kernel's objtool was built without livepatch support",
    where: 'tools/objtool/objtool',
    remedy: 'install libxxhash-dev (0.8 or later) into the toolchain and build the kernel again',
  });
}

/**
 * Words for objtool as the build ran it on what is linked: `vmlinux.o`, or the one object of a module. Null when it ran on `member`
 * by itself (scripts/Makefile.lib, delay-objtool): then that went through it when it was compiled.
 * Errors: engine-failed, when the build says neither: without its tables what cannot be livepatched would not be seen.
 */
export async function linkedWords(job: EngineJob, linked: string, member: string): Promise<string[] | null> {
  if ((await objtoolWords(job, member)) !== null) return null;
  const words = await objtoolWords(job, linked);
  if (words !== null) return words.filter((word) => word !== linked && word !== '--werror');
  throw new LivepatchError('engine-failed', 'kernel-source', {
    what: `the build does not say how objtool ran on ${member} or ${linked}`,
    where: `.${basename(linked)}.cmd`,
    remedy: 'build the kernel again',
  });
}

async function objtoolWords({ layout }: EngineJob, object: string): Promise<string[] | null> {
  const cmd = join(layout.build, dirname(object), `.${basename(object)}.cmd`);
  const [command = ''] = (await readFile(cmd, 'utf8').catch(() => '')).split('\n');
  const step = /(?: ; | && )\.\/tools\/objtool\/objtool (.*)$/.exec(command)?.[1];
  return step?.split(' ').filter((word) => word !== '') ?? null;
}
