import type { FileDiff } from '../diff.ts';
import { splitHunks } from '../split-hunks.ts';
import type { Finding } from './finding.ts';

/** A change without what need not go into a livepatch. */
export interface LeftOut {
  readonly files: readonly FileDiff[];
  /** The findings that were answered so, one a hunk. */
  readonly answered: readonly Finding[];
}

/** One hunk changes start-up code and other code: by runs of lines they may come apart. */
export function apart(files: readonly FileDiff[], findings: readonly Finding[]): readonly FileDiff[] {
  return findings.some(({ code }) => code === 'init-mixed') ? splitHunks(files) : files;
}

/**
 * Leaves out the hunks that lie in code of the start or removal alone (hazard 6): it has run, or is out of reach, and the engines
 * refuse the whole patch for them. Whether the rest is a fix without them, a person decides. Where nothing would be left, nothing is
 * left out.
 */
export function leaveOutInit(files: readonly FileDiff[], findings: readonly Finding[]): LeftOut {
  const answered = findings.filter(({ code, hunk }) => code === 'init-code' && hunk !== null);
  const isOut = (path: string, hunk: number): boolean => answered.some((one) => one.path === path && one.hunk === hunk);
  const rest = files.flatMap((file) => {
    const hunks = file.hunks.filter((_, index) => !isOut(file.path, index));
    return hunks.length === 0 && file.hunks.length > 0 ? [] : [{ ...file, hunks }];
  });
  const isLeft = rest.some(({ hunks }) => hunks.length > 0);
  return isLeft && answered.length > 0 ? { files: rest, answered } : { files, answered: [] };
}
