export * from './cves.ts';
export * from './fleet.ts';
export * from './jobs.ts';
export * from './livepatches.ts';
export * from './overview.ts';
export { createReader, type Reader } from './reader.ts';
export * from './rollouts.ts';
