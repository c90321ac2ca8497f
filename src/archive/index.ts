export { type ArchiveCode, ArchiveError } from './error.ts';
export { type KeyRole, keyRoles, loadSigner, makeKeys, type RoleSigner } from './keys.ts';
export {
  type ArchivePlace,
  type ArchiveView,
  initArchive,
  type PublishedLivepatch,
  publishLivepatch,
  refreshArchive,
  requireProof,
  showArchive,
  subscribeKernel,
} from './publish.ts';
export { addTargets, initRepository, type NewTarget, type Signers } from './repository.ts';
