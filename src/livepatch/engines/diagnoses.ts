import type { Fault } from '#domain';
import type { LivepatchCode } from '../error.ts';

export interface Diagnosis {
  readonly pattern: RegExp;
  readonly code: LivepatchCode;
  readonly fault: Fault;
  readonly what: string;
  readonly remedy: string;
}

const EDIT = 'edit the patch ("tuxtape patch open", "patch edit"); it is a decision of a person';
const OTHER_TREE = 'import or build the tree that the deployed kernel comes from: this one gives other objects';
const REPORT = 'keep the log; report it to the makers of the engine';

/**
 * What the engines print when they refuse, mapped to cause and remedy. The texts are those of create-diff-object and
 * create-klp-module of kpatch 0.9, of scripts/livepatch/klp-build and objtool of Linux 6.19 to 7.2, and of make, modpost, ld
 * and the compiler under them. First match wins: what is particular stands before what is general.
 */
export const diagnoses: readonly Diagnosis[] = [
  {
    pattern: /No space left on device|Disk quota exceeded/,
    code: 'disk-full',
    fault: 'toolchain',
    what: 'no space left while building',
    remedy: 'free space where the kernel trees are, then build again',
  },
  {
    pattern:
      /out of memory|virtual memory exhausted|Cannot allocate memory|ERROR: \S+: \w+: \d+: (?:malloc|calloc|realloc|strdup|strndup|creat)\b.*|error: \w*alloc failed.*|cc1: .*Killed|Killed signal terminated program/i,
    code: 'memory-out',
    fault: 'toolchain',
    what: 'memory ran out while building',
    remedy: 'give the builder more memory, or compile fewer objects at once with -j',
  },
  {
    pattern: /File size limit exceeded|File too large/,
    code: 'output-too-large',
    fault: 'patch',
    what: 'a file of the build is larger than a build of one change needs',
    remedy: 'look at what the change makes so large; the bound keeps it from filling the disk',
  },
  {
    pattern: /unsupported patch to .*/,
    code: 'build-input-changed',
    fault: 'patch',
    what: 'the patch changes what the engine cannot follow',
    remedy: 'leave that file out of the patch',
  },
  {
    pattern: /Hunk #\d+ FAILED|patch file failed to apply|failed to apply|does not apply|did not apply/,
    code: 'patch-does-not-apply',
    fault: 'patch',
    what: "the patch does not apply to the kernel's source",
    remedy: 'take the fix of a nearer branch, or adapt it by hand',
  },
  {
    pattern: /\.[chS]:\d+(?::\d+)?: (?:fatal )?error: .*/,
    code: 'compile-failed',
    fault: 'patch',
    what: 'the patched source does not compile',
    remedy: 'a part of the fix is missing (a header or an earlier commit), or it belongs to another branch',
  },
  {
    pattern: /Found a jump label.*|unsupported jump label.*|unsupported static branch key.*/,
    code: 'static-key-unsupported',
    fault: 'patch',
    what: 'a changed function uses a static key that a livepatch cannot reach',
    remedy: `use static_key_enabled() there: ${EDIT}`,
  },
  {
    pattern: /Found a static call.*|unsupported static call.*/,
    code: 'static-call-unsupported',
    fault: 'patch',
    what: 'a changed function uses a static call that a livepatch cannot reach',
    remedy: `call through KPATCH_STATIC_CALL() (kpatch) or KLP_STATIC_CALL() (klp-build): ${EDIT}`,
  },
  {
    pattern: /unsupported sibling call.*/,
    code: 'sibling-call',
    fault: 'patch',
    what: 'the compiler made a jump to another function out of a call at the end of a changed one',
    remedy: `add __attribute__((optimize("-fno-optimize-sibling-calls"))) to it: ${EDIT}`,
  },
  {
    pattern:
      /reference to static local variable .* was removed|static local .* missing a reference to it|can't correlate static local.*/,
    code: 'static-local-lost',
    fault: 'patch',
    what: 'a static variable of a changed function cannot be found again',
    remedy: `keep the variable in the function where it was: ${EDIT}`,
  },
  {
    pattern: /(?:\.init\.text|\.exit\.text|\.init\.data).*|changed section .*init.*/,
    code: 'init-changed',
    fault: 'patch',
    what: 'the change is in code or data that runs only at start',
    remedy: 'leave that hunk out: it has run already; the rest may be enough',
  },
  {
    pattern:
      /section group.*|group sections.*|section header details differ.*|symbol changed sections.*|object size mismatch.*|symbol info mismatch.*|ELF headers differ|ELF contains program header|FILE symbol mismatch.*|no instruction changes detected for changed section.*/,
    code: 'object-differs',
    fault: 'patch',
    what: 'the compiler lays the object out otherwise with the change than the engine can follow',
    remedy: `move what changes into functions and data of its own: ${EDIT}`,
  },
  {
    pattern:
      /unsupported section change.*|changed section .* not selected for inclusion|changed data: .*|unsupported data change.*|not sure how to handle section.*/,
    code: 'section-changed',
    fault: 'patch',
    what: 'static data changes, which a livepatch cannot replace',
    remedy: 'rewrite the fix so that only functions change (shadow variables, a callback that writes the data)',
  },
  {
    pattern:
      /has no fentry\/mcount call.*|no fentry call.*|is not traceable|unexpected missing call to _mcount.*|has no ftrace callsite.*|function\(s\) can not be patched|unexpected instruction (?:at the start|in patch section) of.*/,
    code: 'no-fentry',
    fault: 'patch',
    what: 'a changed function cannot be redirected: the compiler gave it no tracer entry',
    remedy: 'change its callers instead, or answer with a mitigation and a new kernel',
  },
  {
    pattern:
      /no changed objects found|no changed functions were found|no functional changes found|no changes detected|nothing changed/i,
    code: 'nothing-changed',
    fault: 'patch',
    what: 'the change does not alter any compiled code of this kernel',
    remedy: 'this kernel is not affected by it: the code is not built in, or compiles to the same',
  },
  {
    pattern: /modpost: .*(?:undefined!|namespace|GPL-incompatible).*|undefined reference to .*/,
    code: 'symbol-undefined',
    fault: 'patch',
    what: 'the change uses what the running kernel does not give to a module',
    remedy: 'find the earlier commit that brings it, or bring it along in the patch',
  },
  {
    pattern: /unsupported klp relocation reference.*|unexpected klp reloc.*/,
    code: 'symbol-undefined',
    fault: 'patch',
    what: 'a special section of the change needs a symbol of a module that may not be loaded yet',
    remedy: `keep what needs it out of the changed function: ${EDIT}`,
  },
  {
    pattern:
      /can't find (?:local )?symbol .*symbol table|no \S+ entry for symbol .*|address mismatch for symbol.*|can't find sympos for .*|couldn't find matching .* local symbols.*|found duplicate matches .*|duplicate (?:local|global|exported) symbol found.*|no clone for .*|out-of-range relocation.*|can't find replacement symbol.*|sections .* aren't correlated.*/,
    code: 'symbol-ambiguous',
    fault: 'kernel-source',
    what: 'the objects and the deployed kernel do not have the same symbols',
    remedy: OTHER_TREE,
  },
  {
    pattern:
      /Module\.symvers: invalid format|malformed Module\.symvers.*|missing vmlinux|missing \S+ for \S+|no \.config file.*|make syncconfig failed|should be run from the kernel tree|failed to get kernel version/,
    code: 'tree-damaged',
    fault: 'kernel-source',
    what: "the kernel's tree is not whole",
    remedy: 'build the kernel again ("tuxtape kernel build")',
  },
  {
    pattern: /gcc\/kernel version mismatch|compiler version mismatch|toolchain.*mismatch|\.config mismatch.*/i,
    code: 'toolchain-mismatch',
    fault: 'toolchain',
    what: 'the compiler or configuration is not the one the kernel was built with',
    remedy: 'use the toolchain the kernel was built with',
  },
  {
    pattern:
      /CONFIG_\w+ not enabled|kernel option '\w+' not supported|Unsupported target architecture|unsupported arch\b|Clang assembler version/,
    code: 'engine-unsupported',
    fault: 'kernel-source',
    what: 'the engine cannot build for a kernel like this',
    remedy: 'change the configuration for the next kernel; this one needs another measure',
  },
  {
    pattern: /kernel build failed/,
    code: 'compile-failed',
    fault: 'patch',
    what: 'the patched kernel does not build',
    remedy: 'read the log: the first error of the compiler says what is missing',
  },
  {
    pattern: /Segmentation fault|core dumped|Aborted\b/,
    code: 'engine-crashed',
    fault: 'toolchain',
    what: 'a program of the engine crashed',
    remedy: REPORT,
  },
  {
    pattern:
      /command not found|missing .*(?:package|header|library)|please install|recountdiff not found|objtool not built with KLP support|can't find fix-patch-lines/i,
    code: 'engine-missing',
    fault: 'toolchain',
    what: 'a program or library the engine needs is missing',
    remedy: 'install what the log names into the toolchain',
  },
  {
    pattern: /No rule to make target .*|recipe for target .* failed/,
    code: 'tree-damaged',
    fault: 'kernel-source',
    what: "make lacks a file of the kernel's tree",
    remedy: 'build the kernel again ("tuxtape kernel build")',
  },
  {
    pattern:
      /ERROR: \S+: \w+: \d+: .*|\w+_STRUCT_SIZE not set|size mismatch.*|(?:can't find|missing|unhandled|malformed) .*(?:rela|reloc|section|symbol|symtab|sym_checksum|entsize).*|objtool klp (?:diff|checksum|post-link) failed|(?:gelf|elf)_\w+(?: failed.*)?$/m,
    code: 'engine-confused',
    fault: 'toolchain',
    what: 'the engine does not understand an object that the compiler made',
    remedy: REPORT,
  },
];
