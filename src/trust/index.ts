export { openArchive, type OpenOptions, type TrustedArchive } from './archive.ts';
export { type TrustCode, TrustError } from './error.ts';
