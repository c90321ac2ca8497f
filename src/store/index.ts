export * from './announcements.ts';
export * from './cves.ts';
export { type StoreCode, StoreError } from './error.ts';
export * from './feed-state.ts';
export * from './kernels.ts';
export * from './livepatches.ts';
export { type DatabaseState, databaseState, type MigrationState } from './migrate.ts';
export { type Db, inTransaction, openStore, type Store, type StoreOptions } from './store.ts';
export * from './verdicts.ts';
