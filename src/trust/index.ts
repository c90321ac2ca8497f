export { type LocatedTarget, type OpenOptions, openArchive, type TrustedArchive } from './archive.ts';
export { type ClientOptions, isTarget, TufClient } from './client.ts';
export { type TrustCode, TrustError } from './error.ts';
export { MetadataFolder } from './folder.ts';
export { verifySignature } from './key.ts';
export {
  type Authority,
  type Document,
  ISSUED_FIELD,
  parseAuthority,
  readDocument,
  type TargetMeta,
} from './metadata.ts';
export { targetFileName } from './names.ts';
export type { Fetch } from './remote.ts';
export { establishRoot } from './root.ts';
export { countSigners, requireSigned } from './verify.ts';
