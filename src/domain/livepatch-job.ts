import type { BuildId } from './kernel.ts';
import type { LivepatchRecipe, PatchedFunction, RecipeFinding } from './livepatch.ts';

/** What a builder is to make: all that decides the bytes of the module, besides the kernel that it has. */
export interface LivepatchOrder {
  readonly buildId: BuildId;
  /** `uname -r` of that build. */
  readonly kernelRelease: string;
  readonly moduleName: string;
  /** The exact text of the change. */
  readonly patch: string;
}

/** What is known of a module that was made, besides its bytes. */
export interface MadeParts {
  readonly engineVersion: string;
  /** What it replaces. */
  readonly functions: readonly PatchedFunction[];
  readonly sameCode: readonly string[];
  readonly leftBehind: NonNullable<LivepatchRecipe['leftBehind']>;
  /** What the objects showed, none of it blocking. */
  readonly findings: readonly RecipeFinding[];
}

/** The jobs that wait for one kernel, as one. */
export interface WaitingKernel {
  readonly buildId: BuildId;
  /** Of its most urgent job; higher comes first. */
  readonly priority: number;
  /** When the oldest job of that priority was asked for. */
  readonly since: Date;
}

/** So long a kernel whose tree is warm elsewhere in a builder's memory may go first. */
export const LONGEST_PASS_MS = 60_000;

/**
 * Which kernel a builder works on next; null: none of those that wait is one it has. The most urgent goes first. Of equally urgent
 * ones it takes the one it worked on last, whose tree is warm, unless another has waited for a minute: then the oldest.
 * `own`: the kernels of the builder, those that it used last first.
 */
export function chooseKernel(waiting: readonly WaitingKernel[], own: readonly BuildId[], now: Date): BuildId | null {
  const mine = waiting.filter(({ buildId }) => own.includes(buildId));
  const urgent = Math.max(...mine.map(({ priority }) => priority));
  const equals = mine.filter(({ priority }) => priority === urgent);
  const oldest = equals.toSorted((a, b) => a.since.getTime() - b.since.getTime())[0];
  if (oldest === undefined) return null;
  if (now.getTime() - oldest.since.getTime() > LONGEST_PASS_MS) return oldest.buildId;
  return own.find((buildId) => equals.some((one) => one.buildId === buildId)) ?? null;
}

/** Names of builders, in tables, logs and provenance. */
export function isBuilderName(name: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{0,63}$/.test(name);
}
