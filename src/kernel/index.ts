export { archOf, crossPrefix, imagePath, machineArch, runMake, toolchainArch } from './arch.ts';
export { type Banner, parseBanner } from './banner.ts';
export { type BuildOptions, buildKernel } from './build.ts';
export { buildIdOf, readBuildId } from './build-id.ts';
export { type BuildLimits, defaultLimits } from './build-limits.ts';
export { attemptLog } from './build-log.ts';
export { type BuildTree, linkBuiltTree, readBuildTree, vmlinuxIn } from './build-tree.ts';
export { type CmdFile, parseCmdFile } from './cmd-file.ts';
export {
  type ComparedKernel,
  compareRunning,
  type RunningComparison,
  type RunningDifference,
} from './compare-running.ts';
export { type CompileCommand, compileCommand } from './compile-command.ts';
export { blindToDebugInfo } from './debug-info/blind.ts';
export {
  type DebugProfile,
  type DebugProfileOptions,
  type DebugProfileProgress,
  readDebugProfile,
} from './debug-info/read.ts';
export { readTypeLayouts, type TypeLayout, type TypeMember } from './debug-info/types.ts';
export { loadedContents } from './elf.ts';
export { bytesOf, ElfError, readElf64 } from './elf-table.ts';
export { ConfigChangeError, type KernelCode, KernelError } from './error.ts';
export { type FirstError, findFirstError, firstErrorText } from './first-error.ts';
export { type HostList, MAX_HOST_LIST_BYTES, parseHostList } from './host-list.ts';
export { identifyToolchain } from './identify.ts';
export { type ImportedImage, importImage } from './image/import.ts';
export { type PredictOptions, predictProfile } from './kbuild/predict.ts';
export { configChanges, type KernelConfig, parseKernelConfig, readKernelConfig } from './kconfig.ts';
export { type ModuleTexts, parseModuleFacts, readModuleFacts } from './modules.ts';
export { decodeModuleFacts, encodeModuleFacts } from './modules-codec.ts';
export { type CommandOptions, makeObjects } from './object-commands.ts';
export { type CompileOptions, compileObject, type Overlay, overlay } from './object-compiler.ts';
export { type ObjectCode, type ObjectData, type ObjectPart, type ObjectParts, objectParts } from './object-parts.ts';
export { isLoaded, ObjectFile, plainName } from './object-symbols.ts';
export { type FunctionUsers, functionUsers } from './object-users.ts';
export { applyQueue, type PatchQueue, parseSeries, readPatchOutput, readPatchQueue } from './patch-queue.ts';
export { type Prepared, type PrepareOptions, prepareTree, treeKey } from './prepare.ts';
export { sourceFiles } from './profile/list.ts';
export { readProfile, targetsOf } from './profile.ts';
export { decodeProfile, encodeProfile } from './profile-codec.ts';
export { type Running, readRunning, readRunningBytes } from './running.ts';
export { IN_TREE, reproducible, runInTree } from './sandbox.ts';
export { parseDsc } from './source/debian.ts';
export { type KeptSource, type OpenedSource, type OpenOptions, openKept, openSource } from './source/open.ts';
export { parseSourceSpec, type SourceSpec } from './source/spec.ts';
export { checkListing, unpackSource } from './source/unpack.ts';
export { type KernelSource, readSource, sourceVersion } from './source.ts';
export { archiveMembers } from './thin-archive.ts';
export { makeChroot } from './toolchain.ts';
export {
  type Built,
  needBuilt,
  readBuilt,
  type TreeLayout,
  treeLayout,
} from './tree.ts';
