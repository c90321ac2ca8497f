export { type OpenOptions, openArchive, type TrustedArchive } from './archive.ts';
export { type TrustCode, TrustError } from './error.ts';
