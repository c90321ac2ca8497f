import type { Level, Rule } from './rule.ts';
import { type LintCode, lintRules } from './rules.ts';

/** Something about a patch that a person must know before it becomes a livepatch. */
export interface Finding {
  readonly code: LintCode;
  /** Number in the list of hazards; null: none of them. */
  readonly hazard: number | null;
  readonly level: Level;
  /** A file of the source; for findings in objects, the object. */
  readonly path: string;
  /** In the file as the patch leaves it; of what is removed, in the file before. Null: the finding has no line. */
  readonly line: number | null;
  /** The hunk of the file, from 0, when the finding is about exactly one that can be left out; else null. */
  readonly hunk: number | null;
  readonly what: string;
  readonly why: string;
  readonly remedy: string;
}

export interface FindingPlace {
  readonly path: string;
  readonly line: number | null;
  readonly hunk?: number;
}

/** A finding of a rule; `what` says what was found in this case, without it what the rule says. */
export function finding(code: LintCode, { path, line, hunk }: FindingPlace, what?: string): Finding {
  const rule: Rule = lintRules[code];
  const { hazard, level, why, remedy } = rule;
  return { code, hazard, level, path, line, hunk: hunk ?? null, what: what ?? rule.what, why, remedy };
}

/** A list of names for a sentence: the first few, and how many more. */
export function some(names: readonly string[], most = 5): string {
  const more = names.length - most;
  return more > 0 ? `${names.slice(0, most).join(', ')} and ${more} more` : names.join(', ');
}
