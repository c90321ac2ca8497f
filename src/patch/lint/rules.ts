import { objectRules } from './rules-objects.ts';
import { sourceRules } from './rules-source.ts';

/** Every rule, by its code: first those of the diff and the source, then those of pairs of objects. */
export const lintRules = { ...sourceRules, ...objectRules };

export type LintCode = keyof typeof lintRules;
