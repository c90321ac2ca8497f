import type { ComposeOptions } from '../compose/options.ts';
import type { ComposeStep } from '../compose/steps.ts';
import { type FileDiff, parseDiff } from '../diff.ts';
import { PatchError } from '../error.ts';
import { presenceOf } from '../presence.ts';
import type { FixSource } from '../sources/source.ts';

/** An earlier commit that a fix seems to need, and that this source does not have. */
export interface Need {
  readonly commit: string;
  /** First line of its message; null: the source of fixes does not say. */
  readonly subject: string | null;
  /** By the history of a repository, or among the other fixes of the source. */
  readonly how: 'history' | 'given';
  /** What speaks for it: the end of a sentence that begins with "it". */
  readonly why: string;
}

/** What is looked for: names that a compiler misses, or, without any, what the hunks that do not fit stand on. */
export interface NeedQuestion {
  readonly step: ComposeStep;
  readonly names: readonly string[];
  /** Version of the kernel, as `6.1.170`. */
  readonly version: string;
  readonly fixes: FixSource;
  readonly options: ComposeOptions;
}

/** The change of a commit; null: it is not there, or no text that we read. */
export async function readChange(fixes: FixSource, commit: string): Promise<readonly FileDiff[] | null> {
  try {
    const found = await fixes.changeOf(commit);
    return found === undefined ? null : parseDiff(Buffer.from(found.text).toString('latin1'), commit);
  } catch (error) {
    if (error instanceof PatchError) return null;
    throw error;
  }
}

/** A change that stands in the source already is no need. */
export async function isMissing(files: readonly FileDiff[], { source }: ComposeOptions): Promise<boolean> {
  return (await presenceOf(files, source)).finding.outcome !== 'fixed';
}

/** A record may name a commit by fewer digits. */
export function isOwn({ commit }: ComposeStep, other: string): boolean {
  return commit !== null && (other.startsWith(commit) || commit.startsWith(other));
}
