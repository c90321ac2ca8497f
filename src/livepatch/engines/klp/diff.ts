import { ProgramError } from '#host';
import { LivepatchError } from '../../error.ts';
import { diagnose } from '../diagnose.ts';
import type { EngineJob } from '../engine.ts';
import { changedFunctions } from '../pairs/changed-functions.ts';
import { runStep, runTool, WORK } from '../pairs/tool.ts';
import type { LinkedPair } from './link.ts';
import { OBJTOOL } from './objtool.ts';

/**
 * The deployed vmlinux as objtool wants it: with a table that tells symbols of one name apart, which only a whole build for
 * klp-build has. Ours has one entry that belongs to nothing; a symbol that needs the table is an error.
 */
const VMLINUX = `head -c 16 /dev/zero >symid
objcopy --strip-debug --add-section .klp.symid=symid /mnt/vmlinux pairs/orig/vmlinux`;
const AMBIGUOUS = /no \.klp\.symid entry for symbol (\S+)/;

/**
 * Cuts what changed out of a pair, by `objtool klp diff`, into `kmod/` of the job's folder; names of the changed functions.
 * Errors: those of `diagnose`; symbol-ambiguous.
 */
export async function diffPair(job: EngineJob, { target }: LinkedPair): Promise<string[]> {
  if (target === 'vmlinux') await runStep(job, 'sh', ['-ec', VMLINUX]);
  const args = ['klp', 'diff', `${target}.o`, `../patched/${target}.o`, `${WORK}/kmod/${target}.o`];
  try {
    const { stdout, stderr } = await runTool(job, OBJTOOL, args, { cwd: `${WORK}/pairs/orig` });
    return changedFunctions(`${stdout}\n${stderr}`).map(({ name }) => name);
  } catch (error) {
    if (!(error instanceof ProgramError) || error.code !== 'program-failed') throw error;
    const symbol = AMBIGUOUS.exec(`${error.stdout}\n${error.stderr}`)?.[1];
    if (symbol === undefined) throw diagnose(`${error.stdout}\n${error.stderr}`, job.work, error);
    throw new LivepatchError('symbol-ambiguous', 'us', {
      what: `several symbols of the kernel are named ${symbol}`,
      where: target,
      cause: error,
    });
  }
}
