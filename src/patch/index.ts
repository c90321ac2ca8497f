export { aligned } from './align.ts';
export { type Fit, tryPatch } from './apply.ts';
export { type TypeBody, typeBodies } from './c-types.ts';
export { type CompareOptions, compareObjects } from './compare-objects.ts';
export { type DiffLine, type FileDiff, type Hunk, parseDiff } from './diff.ts';
export { type PatchCode, PatchError } from './error.ts';
export { type Fix, fetchBranchFixes, fetchFix, fixesInOrder, oldTexts, readPatchFile } from './fix-source.ts';
export { type Finding, lint, refuseBlocking, refuseBuildFiles } from './lint.ts';
export { type Presence, presenceOf, presenceOfAll, type SourceTexts } from './presence.ts';
