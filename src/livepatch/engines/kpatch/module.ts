import { IN_TREE } from '#kernel';
import type { EngineJob } from '../engine.ts';
import { runStep } from '../pairs/tool.ts';
import { PROGRAMS, TEMPLATE } from './programs.ts';

/**
 * What kpatch-build does once it has the parts: links them with its module's own code, and turns what only livepatch can
 * resolve into its relocations. Type information of modules (BTF) would be made with a pahole that may not know it.
 */
const SCRIPT = `set -e
cp -LR ${TEMPLATE} patch
chmod -R u+rw patch
find output -name '*.o' -print0 | LC_ALL=C sort -z | xargs -0 ld -r $KPATCH_LDFLAGS -o patch/output.o
touch patch/.output.o.cmd
(cd patch && make -s CONFIG_DEBUG_INFO_BTF_MODULES=)
cp "patch/$KPATCH_NAME.ko" patch/tmp.ko
${PROGRAMS}/create-klp-module $KLP_FLAGS patch/tmp.ko "$KPATCH_NAME.ko"`;

/** Links the module of what `output/` of the job's folder holds; returns its name there. Errors: those of `diagnose`. */
export async function linkModule(job: EngineJob, hasKlpArch: boolean): Promise<string> {
  const env = {
    KCFLAGS: `-I${TEMPLATE}`,
    KPATCH_BUILD: IN_TREE,
    KPATCH_NAME: job.moduleName,
    KPATCH_LDFLAGS: hasKlpArch ? '--unique=.parainstructions --unique=.altinstructions' : '',
    KLP_FLAGS: hasKlpArch ? '' : '--no-klp-arch-sections',
  };
  await runStep(job, 'sh', ['-c', SCRIPT], { env });
  return `${job.moduleName}.ko`;
}
