import type { FileDiff } from '../diff.ts';
import { splitHunks } from '../split-hunks.ts';
import type { Finding } from './finding.ts';

/** One whole line. */
const EXPORT = /^EXPORT_\w*SYMBOL\w*\(\s*(\w+)[^()]*\);\s*$/;

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

/**
 * Leaves out lines that export a function that the fix adds (hazard 20): the engines refuse new exports, and the objects of the same livepatch
 * find the function without. Macros over several lines stay.
 */
export function leaveOutExports(files: readonly FileDiff[], findings: readonly Finding[]): LeftOut {
  const answered: Finding[] = [];
  const rest = files.map((file) => {
    const added = findings.filter(({ code, path }) => code === 'export-added' && path === file.path);
    const hunks = file.hunks.map((hunk) => {
      const lines = hunk.lines.filter(({ kind, text }) => {
        const name = kind === '+' ? EXPORT.exec(text)?.[1] : undefined;
        const found = name === undefined ? undefined : added.find(({ what }) => what.startsWith(`${name} `));
        if (found !== undefined) answered.push(found);
        return found === undefined;
      });
      return { ...hunk, lines };
    });
    return { ...file, hunks: hunks.filter(({ lines }) => lines.some(({ kind }) => kind !== ' ')) };
  });
  return { files: rest.filter(({ hunks }) => hunks.length > 0), answered };
}
