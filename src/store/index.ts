export * from './accounts.ts';
export * from './announcements.ts';
export * from './api-tokens.ts';
export * from './audit.ts';
export * from './autopilot.ts';
export { type RestoredDatabase, type RestoredRows, restoreDatabase } from './backup/restore.ts';
export { type AppliedMigration, type Snapshot, withSnapshot } from './backup/snapshot.ts';
export { type CopiedTable, inOrder, SEEDED_TABLES, type SequenceState } from './backup/tables.ts';
export * from './builders.ts';
export * from './check-ins.ts';
export * from './cve-kernels.ts';
export * from './cve-pages.ts';
export { type CveFilter, type CveLine, searchCves } from './cve-search.ts';
export * from './cves.ts';
export * from './decisions.ts';
export * from './enrolments.ts';
export { type StoreCode, StoreError } from './error.ts';
export { type StoreEvent } from './events.ts';
export * from './feed-state.ts';
export * from './figures.ts';
export { cvesOfFixes } from './fix-commits.ts';
export * from './gate-keys.ts';
export * from './holds.ts';
export * from './host-modules.ts';
export * from './hosts.ts';
export * from './idempotency.ts';
export * from './installation.ts';
export * from './job-pages.ts';
export * from './kernel-builds.ts';
export { type RemovedKernel, removeKernel } from './kernel-removal.ts';
export * from './kernels.ts';
export * from './livepatch-jobs.ts';
export * from './livepatch-pages.ts';
export * from './livepatches.ts';
export * from './logins.ts';
export * from './matrix.ts';
export { type DatabaseState, databaseState, type MigrationState } from './migrate.ts';
export * from './notice-channels.ts';
export * from './notice-deliveries.ts';
export * from './notices.ts';
export * from './overrides.ts';
export * from './patches.ts';
export {
  analyze,
  countTriagedKernels,
  duePriorities,
  lockPriorities,
  markDue,
  type PredictionRow,
  putPredictions,
  putPriorities,
  type RankedCve,
  rankedCves,
  type StoredPriority,
  unpredicted,
} from './priorities.ts';
export * from './proofs.ts';
export { type BuildQueue, type Lease, openQueue, openQueues, type Queues } from './queue.ts';
export * from './report-pages.ts';
export { type ResponseFilter, responseTimes } from './response-times.ts';
export * from './reviewers.ts';
export * from './rollout-hosts.ts';
export * from './rollout-rounds.ts';
export * from './rollouts.ts';
export * from './sessions.ts';
export * from './signals.ts';
export { storableJson } from './storable.ts';
export { type Db, inTransaction, openStore, type Store, type StoreOptions, withClient } from './store.ts';
export * from './triage-due.ts';
export { verdictStatusesOf } from './verdict-statuses.ts';
export {
  type DecidedVerdict,
  type LoggedChange,
  lockKernel,
  storeVerdicts,
  type VerdictChange,
  verdictChanges,
} from './verdict-writes.ts';
export {
  countVerdicts,
  decidingRung,
  getVerdict,
  listVerdicts,
  type VerdictCount,
  type VerdictFilter,
  type VerdictRow,
} from './verdicts.ts';
export * from './vex-documents.ts';
