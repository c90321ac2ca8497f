export { type BuildOptions, buildKernel } from './build.ts';
export { readBuildId } from './build-id.ts';
export { type BuildLimits, defaultLimits } from './build-limits.ts';
export { attemptLog } from './build-log.ts';
export { type CmdFile, parseCmdFile } from './cmd-file.ts';
export { compileCommand } from './compile-command.ts';
export { blindToDebugInfo } from './debug-info/blind.ts';
export {
  type DebugProfile,
  type DebugProfileOptions,
  type DebugProfileProgress,
  readDebugProfile,
} from './debug-info/read.ts';
export { loadedContents } from './elf.ts';
export { type KernelCode, KernelError } from './error.ts';
export { type FirstError, findFirstError, firstErrorText } from './first-error.ts';
export { type PredictOptions, predictProfile } from './kbuild/predict.ts';
export { type HostList, MAX_HOST_LIST_BYTES, parseHostList } from './host-list.ts';
export { type ConfigChange, configChanges, type KernelConfig, parseKernelConfig, readKernelConfig } from './kconfig.ts';
export { type ModuleTexts, parseModuleFacts, readModuleFacts } from './modules.ts';
export { decodeModuleFacts, encodeModuleFacts } from './modules-codec.ts';
export { type CompileOptions, compileObject, type Overlay, overlay } from './object-compiler.ts';
export { readProfile, targetsOf } from './profile.ts';
export { decodeProfile, encodeProfile } from './profile-codec.ts';
export { IN_TREE, reproducible, runInTree } from './sandbox.ts';
export { type KernelSource, readSource, sourceVersion } from './source.ts';
export { thinArchiveMembers } from './thin-archive.ts';
export { identifyToolchain, makeChroot } from './toolchain.ts';
export {
  type Built,
  needBuilt,
  type PrepareOptions,
  prepareTree,
  readBuilt,
  type TreeLayout,
  treeKey,
  treeLayout,
} from './tree.ts';
