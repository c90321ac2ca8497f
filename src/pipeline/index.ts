export * from './kernel.ts';
export * from './livepatch.ts';
export * from './publish.ts';
export * from './sync.ts';
export * from './triage.ts';
export * from './verify.ts';
