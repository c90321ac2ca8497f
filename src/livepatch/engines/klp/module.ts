import { IN_TREE } from '#kernel';
import type { EngineJob } from '../engine.ts';
import { runStep, WORK } from '../pairs/tool.ts';
import { OBJTOOL } from './objtool.ts';

/** As scripts/livepatch/klp-build makes it (build_patch_module): a module of init.c and the parts, mended by objtool after the link. */
const SCRIPT = `set -e
cd ${WORK}/kmod
parts=$(LC_ALL=C ls *.o | tr '\\n' ' ')
for part in $parts; do cp "$part" "\${part}_shipped"; : >".$part.cmd"; done
cp ${IN_TREE}/scripts/livepatch/init.c .
printf 'obj-m := %s.o\\n%s-y := init.o %s\\n' "$NAME" "$NAME" "$parts" >Kbuild
make -s -C ${IN_TREE} M=${WORK}/kmod "KCFLAGS=-ffunction-sections -fdata-sections"
objcopy --remove-section=.BTF "$NAME.ko"
${OBJTOOL} klp post-link "$NAME.ko"
cp "$NAME.ko" ..`;

/** Links the module of what `kmod/` of the job's folder holds; returns its name in the job's folder. Errors: those of `diagnose`. */
export async function linkModule(job: EngineJob): Promise<string> {
  await runStep(job, 'sh', ['-c', SCRIPT], { env: { NAME: job.moduleName } });
  return `${job.moduleName}.ko`;
}
