export * from './kernel.ts';
export * from './triage.ts';
export * from './livepatch.ts';
export * from './sync.ts';
export * from './verify.ts';
export * from './publish.ts';
