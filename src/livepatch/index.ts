export {
  claimedKey,
  type Envelope,
  openEnvelope,
  readEnvelope,
  sealStatement,
  unreadable as unreadableAttestation,
} from './attest/dsse.ts';
export {
  keyIdOf,
  makeKeyFile,
  parsePublicKey,
  publicPem,
  readPrivateKey,
  readPublicKey,
  writeNew,
} from './attest/keys.ts';
export {
  APPROVAL_TYPE,
  type ApprovalWords,
  approvalStatement,
  differing,
  GATE_TYPE,
  gateStatement,
  readApprovalStatement,
  readGateStatement,
  type Subject,
} from './attest/statements.ts';
export { type BuiltModule, buildModule, engineFor, moduleNameOf } from './build.ts';
export { modinfo } from './elf.ts';
export { diagnose } from './engines/diagnose.ts';
export type { EngineJob, EngineResult, LivepatchEngine } from './engines/engine.ts';
export { structureSizes } from './engines/kpatch/special-sections.ts';
export { changedFunctions } from './engines/pairs/changed-functions.ts';
export { compilersOf } from './engines/pairs/compiler.ts';
export { type Confined, confinedHeaders } from './engines/pairs/confine.ts';
export { affectedObjects, isLeftOut, type KernelObject } from './engines/pairs/objects.ts';
export { type LivepatchCode, LivepatchError } from './error.ts';
export { functionNames } from './lint/functions.ts';
export { lintObjects, type ObjectLintOptions, type ObjectPair } from './lint/objects.ts';
export {
  BUILD_TYPE,
  LOCAL_BUILDER,
  PREDICATE_TYPE,
  type Provenance,
  type ProvenanceFacts,
  provenanceOf,
  STATEMENT_TYPE,
} from './provenance.ts';
export { type LivepatchModule, readLivepatchModule } from './replaced.ts';
export { appendSignature, SIGNATURE_MARK, splitSignature } from './signature/appended.ts';
export { readSignature, signerOf } from './signature/read.ts';
export { certificateId, keySigner, type ModuleSigner, type SigningHash, signModule } from './signature/sign.ts';
export { type FileSubject, fileChecks } from './verify/file-checks.ts';
export { type HunkFunctions, plainName } from './verify/function-checks.ts';
export { judge } from './verify/judge.ts';
export { readKernelSymbols } from './verify/kernel-symbols.ts';
export { logChecks } from './verify/log-checks.ts';
export { makePlan } from './verify/make-plan.ts';
export { underOtherName } from './verify/other-name.ts';
export type { Judge, PlanSubject, Step } from './verify/plan.ts';
export type { ProofPlace, ProofSubject, Reproducer } from './verify/subject.ts';
export { type ProofResult, verifyLivepatch, verifyLivepatches } from './verify/verify.ts';
export { type CpioEntry, cpio } from './vm/cpio.ts';
export { initramfs, type PayloadFile } from './vm/initramfs.ts';
export { type CommandResult, type Machine, type MachineOptions, startMachine } from './vm/machine.ts';
export { requestLine, VmProtocol } from './vm/protocol.ts';
