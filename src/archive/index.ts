export { type Pushed, pushArchive } from './bucket/push.ts';
export { type BucketPlace, type Credentials, readBucket, S3Bucket } from './bucket/s3.ts';
export { applyChange } from './ceremony/apply.ts';
export {
  type KeyDifference,
  keyDifferences,
  type PendingChange,
  type PendingRole,
  pendingRoles,
  readPending,
  requireRoot,
  signPending,
  writePending,
} from './ceremony/pending.ts';
export { DEFAULT_BIN_BITS, proposeArchive, proposeKeys } from './ceremony/propose.ts';
export { type KeyChanges, NO_CHANGES } from './ceremony/role-keys.ts';
export { type Collected, collectGarbage, GRACE_HOURS } from './collect.ts';
export { type InitOptions, initArchive } from './create.ts';
export { type ArchiveCode, ArchiveError } from './error.ts';
export { editIndex, type Published } from './index-file.ts';
export { decryptKey, encryptKey, parseEncryptedKey, parsePublicKey } from './keys/key-file.ts';
export { addProgram, encryptHeld, type HeldKey, makeKey, type Passphrase, readKeys } from './keys/keyring.ts';
export { type KeyRole, keyIdOf, keyRoles, type PublicKey, type Signer } from './metadata.ts';
export { type ArchivePlace, Keyring } from './place.ts';
export {
  newestOf,
  type PublishedLivepatch,
  publishLivepatch,
  publishOrPropose,
  requireProof,
  subscribeKernel,
} from './publish.ts';
export { type Refreshed, refreshArchive } from './refresh.ts';
export { readRollout, setRollout } from './rollout.ts';
export { type ArchiveView, showArchive } from './show.ts';
export { type ArchiveState, authorityOf, keysOfRoles, readState } from './state.ts';
export { type ArchiveStatus, archiveStatus, type Expiry } from './status.ts';
export {
  type MitigateOptions,
  mitigate,
  type RecallOptions,
  recallRelease,
  setFloors,
  withdrawMitigations,
} from './terms.ts';
export { currentFiles, exportArchive, type ImportedArchive, importArchive } from './transfer/carry.ts';
export { readRootFile, type VerifiedArchive, verifyArchive } from './verify.ts';
