export * from './cap.ts';
export * from './doors.ts';
export * from './error.ts';
export * from './hooks.ts';
export * from './journal.ts';
export * from './plan-run.ts';
export * from './runner.ts';
export * from './words.ts';
