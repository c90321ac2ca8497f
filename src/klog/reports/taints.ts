import type { Taint } from '../report.ts';

/** What a letter of `Tainted:` says (Documentation/admin-guide/tainted-kernels.rst, taint_flags in kernel/panic.c). */
const MEANINGS: Readonly<Record<string, string>> = {
  P: 'a proprietary module was loaded',
  F: 'a module was loaded by force',
  S: 'the system is out of its specification',
  R: 'a module was unloaded by force',
  M: 'the processor reported a machine check',
  B: 'a bad page was found',
  U: 'a program asked for the taint',
  D: 'the kernel died before (an oops or BUG)',
  A: 'an ACPI table was replaced',
  W: 'a warning was given before',
  C: 'a staging driver was loaded',
  I: 'a bug of the firmware is worked around',
  O: 'a module built outside the tree was loaded',
  E: 'an unsigned module was loaded',
  L: 'a soft lockup happened before',
  K: 'a livepatch was applied',
  X: 'a taint of the distribution',
  T: 'structures are laid out at random',
  N: 'an in-kernel test was run',
  J: 'firmware was changed from user space (fwctl)',
};

/** The letters in the order printed; `G` only says that no proprietary module was loaded, and is none. */
export function taintsOf(letters: string): readonly Taint[] {
  const seen = new Set<string>();
  for (const letter of letters) if (Object.hasOwn(MEANINGS, letter)) seen.add(letter);
  return [...seen].map((letter) => ({ letter, meaning: MEANINGS[letter]! }));
}
