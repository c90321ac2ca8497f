import type { LivepatchRecipe, Toolchain } from '#domain';
import type { Clock } from '#host';
import type { HunkFunctions } from './function-checks.ts';

/** A program or script that shows the bug: exit code 0 means that it is not there. Static, or for the machine's shell. */
export interface Reproducer {
  /** Last part of its path. */
  readonly name: string;
  readonly content: Buffer;
}

/** One livepatch to prove. */
export interface ProofSubject {
  readonly module: Buffer;
  readonly moduleName: string;
  readonly recipe: LivepatchRecipe;
  /** What each hunk of the fix changes; null: the fix was not held against the source. */
  readonly hunks?: readonly HunkFunctions[] | null;
  readonly reproducer?: Reproducer | null;
  /** The livepatch that shall replace it; without one, the same code under another name does. */
  readonly next?: { readonly module: Buffer; readonly moduleName: string } | null;
}

/** Where livepatches are proved. */
export interface ProofPlace {
  /** `out/` of the kernel the livepatches are for. */
  readonly kernelOut: string;
  /** Compiles the workload; null: the host's compiler does. */
  readonly toolchain?: Toolchain | null;
  readonly clock: Clock;
  /** Added to the kernel command line. */
  readonly append?: string | undefined;
  readonly onStep: (what: string, moduleName: string) => void;
}
