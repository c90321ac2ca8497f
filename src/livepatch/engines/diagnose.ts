import type { Fault } from '#domain';
import { type LivepatchCode, LivepatchError } from '../error.ts';

interface Rule {
  readonly pattern: RegExp;
  readonly code: LivepatchCode;
  readonly fault: Fault;
  readonly what: string;
  readonly remedy: string;
}

/**
 * What the engines print when they refuse, mapped to cause and remedy. The texts are those of kpatch-build 0.9 and of
 * scripts/livepatch/klp-build and objtool of Linux 6.19 to 7.2. First match wins.
 */
const rules: readonly Rule[] = [
  {
    pattern: /No space left on device/,
    code: 'disk-full',
    fault: 'toolchain',
    what: 'no space left while building',
    remedy: 'free space where the kernel trees are, then build again',
  },
  {
    pattern: /Hunk #\d+ FAILED|patch file failed to apply|failed to apply|does not apply/,
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
    pattern: /(?:\.init\.text|\.exit\.text|\.init\.data).*|changed section .*init.*/,
    code: 'init-changed',
    fault: 'patch',
    what: 'the change is in code or data that runs only at start',
    remedy: 'leave that hunk out: it has run already; the rest may be enough',
  },
  {
    pattern:
      /unsupported section change|changed section .* not selected for inclusion|changed data: .*|unsupported data change/,
    code: 'section-changed',
    fault: 'patch',
    what: 'static data changes, which a livepatch cannot replace',
    remedy: 'rewrite the fix so that only functions change (shadow variables, a callback that writes the data)',
  },
  {
    pattern: /has no fentry\/mcount call.*|no fentry call.*|is not traceable/,
    code: 'no-fentry',
    fault: 'patch',
    what: 'a changed function cannot be redirected: the compiler gave it no tracer entry',
    remedy: 'change its callers instead, or answer with a mitigation and a new kernel',
  },
  {
    pattern: /no changed objects found|no functional changes found|no changes detected|nothing changed/i,
    code: 'nothing-changed',
    fault: 'patch',
    what: 'the change does not alter any compiled code of this kernel',
    remedy: 'this kernel is not affected by it: the code is not built in, or compiles to the same',
  },
  {
    pattern: /gcc\/kernel version mismatch|compiler version mismatch|toolchain.*mismatch/i,
    code: 'toolchain-mismatch',
    fault: 'toolchain',
    what: 'the compiler is not the one the kernel was built with',
    remedy: 'use the toolchain the kernel was built with',
  },
  {
    pattern: /Segmentation fault|core dumped|Aborted\b/,
    code: 'engine-crashed',
    fault: 'toolchain',
    what: 'a program of the engine crashed',
    remedy: 'keep the log; report it to the makers of the engine',
  },
  {
    pattern: /command not found|missing .*(?:package|header|library)|please install/i,
    code: 'engine-missing',
    fault: 'toolchain',
    what: 'a program or library the engine needs is missing',
    remedy: 'install what the log names into the toolchain',
  },
];

/** Turns what a failed engine printed into cause and remedy; an unknown text is kept whole in the log named. */
export function diagnose(output: string, log: string, cause: unknown): LivepatchError {
  for (const { pattern, code, fault, what, remedy } of rules) {
    const match = pattern.exec(output);
    if (match)
      return new LivepatchError(code, fault, {
        what: `${what}: ${match[0].trim().slice(0, 200)}`,
        where: log,
        remedy,
        cause,
      });
  }
  const lastWords = output
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-2)
    .join(' | ')
    .slice(0, 300);
  return new LivepatchError('engine-failed', 'toolchain', {
    what: `the engine failed: ${lastWords}`,
    where: log,
    remedy: 'read the log named above',
    cause,
  });
}
