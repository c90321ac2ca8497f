export { type BuildOptions, buildKernel, firstError } from './build.ts';
export { readBuildId } from './build-id.ts';
export { type CmdFile, parseCmdFile } from './cmd-file.ts';
export { compileCommand } from './compile-command.ts';
export { loadedContents } from './elf.ts';
export { type KernelCode, KernelError } from './error.ts';
export { type ConfigChange, configChanges, type KernelConfig, parseKernelConfig, readKernelConfig } from './kconfig.ts';
export { type CompileOptions, compileObject, type Overlay, overlay } from './object-compiler.ts';
export { sourceFiles } from './profile/list.ts';
export { readObjects, readProfile, targetsOf } from './profile.ts';
export { decodeProfile, encodeProfile } from './profile-codec.ts';
export { IN_TREE, reproducible, runInTree } from './sandbox.ts';
export { type KernelSource, readSource, sourceVersion } from './source.ts';
export { archiveMembers } from './thin-archive.ts';
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
