export { type LocatedTarget, type OpenOptions, openArchive, type TrustedArchive } from './archive.ts';
export { type ClientOptions, isTarget, TufClient } from './client.ts';
export { type TrustCode, TrustError } from './error.ts';
export { MetadataFolder } from './folder.ts';
export { ISSUED_FIELD, type TargetMeta } from './metadata.ts';
export { targetFileName } from './names.ts';
export { establishRoot } from './root.ts';
