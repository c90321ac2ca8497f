export { aligned } from './align.ts';
export { type Fit, tryPatch } from './apply.ts';
export { type TypeBody, typeBodies } from './c-types.ts';
export { type CompareOptions, compareObjects } from './compare-objects.ts';
export { conditionsOf, leavesSame } from './conditions.ts';
export { type ConditionSetting, type ConfigValues, evaluate } from './config-expression.ts';
export { type DiffLine, type FileDiff, type Hunk, parseDiff } from './diff.ts';
export { type PatchCode, PatchError } from './error.ts';
export { type SourceTexts } from './file-in.ts';
export {
  type Fix,
  fetchBranchFixes,
  fetchFix,
  fixesInOrder,
  isGitRepository,
  oldTexts,
  readPatchFile,
  requireFixes,
} from './fix-source.ts';
export { type FunctionBody, functionAt, functionBodies } from './functions.ts';
export { type Finding, finding, some } from './lint/finding.ts';
export { lint, lintPaths } from './lint/lint.ts';
export { lintTree } from './lint/lint-tree.ts';
export { type NamedChange, namedChange } from './lint/named.ts';
export { refuseBlocking, refuseBuildFiles } from './lint/refuse.ts';
export type { Level, Rule } from './lint/rule.ts';
export { type LintCode, lintRules } from './lint/rules.ts';
export { type ChangedText, patchedTexts } from './patched-texts.ts';
export { preprocess } from './preprocessor.ts';
export { type Presence, presenceOf, presenceOfAll } from './presence.ts';
export { namesInHistory } from './rename-history.ts';
export { knownMoves } from './renames.ts';
