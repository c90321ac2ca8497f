export { type BuiltModule, buildModule, engineFor, moduleNameOf } from './build.ts';
export { elfSections, modinfo, type Section } from './elf.ts';
export { diagnose } from './engines/diagnose.ts';
export type { EngineJob, EngineResult, LivepatchEngine } from './engines/engine.ts';
export { changedFunctions } from './engines/kpatch.ts';
export { type LivepatchCode, LivepatchError } from './error.ts';
