export * from './approvals.ts';
export * from './approve.ts';
export { archiveBuildId, floors, mitigateKernel, recall, type TermOptions, withdraw } from './archive-terms.ts';
export { type Standing, withApprovals } from './autopilot/approved.ts';
export * from './autopilot/plan.ts';
export { type AutopilotOptions, type KernelPlan, readPipeline, runPipeline } from './autopilot/run.ts';
export { type BackupOptions, type BackupResult, backup } from './backup/make.ts';
export { readPassphrase } from './backup/passphrase.ts';
export { checkBackup, type RestoreOptions, type RestoreResult, restore } from './backup/restore.ts';
export type { TakenFix } from './change.ts';
export { openFixSource } from './fixes.ts';
export * from './fleet.ts';
export * from './freshness.ts';
export {
  checkGate,
  GATE_FILE,
  type GateCheckResult,
  keepGate,
  readSignedGate,
  type SignedGate,
} from './gate-record.ts';
export * from './history.ts';
export { type CheckInBatches, checkInBatches } from './hosts/batches.ts';
export { type CheckInOutcome, type CheckInRefusal, type RawCheckIn, takeCheckIns } from './hosts/check-in.ts';
export { enrol, makeEnrolment } from './hosts/enrol.ts';
export { type AskOptions, failureOfJob, makeByBuilders } from './jobs/ask.ts';
export type { JobDoors } from './jobs/doors.ts';
export { cancelJob, requestJob, retryJob } from './jobs/request.ts';
export { beatJob, failJob, finishJob, type JobWord, leaseJob, returnJob } from './jobs/serve.ts';
export { type BuilderWork, workForServer } from './jobs/work.ts';
export * from './kernel.ts';
export * from './kernel-build-log.ts';
export * from './kernel-build-worker.ts';
export * from './kernel-builds.ts';
export {
  type Imported,
  type ImportOptions,
  importConfig,
  importDebug,
  keptConfig,
  versionOf,
} from './kernel-import.ts';
export { importBuildTree } from './kernel-import-build.ts';
export { type KernelMap, kernelMap, type MapFolder } from './kernel-map.ts';
export { type KernelRemoval, removeKernelAndTree } from './kernel-remove.ts';
export { compareWithRunning } from './kernel-toolchain.ts';
export * from './livepatch.ts';
export type { LivepatchInput } from './livepatch-change.ts';
export { type Made, type MakePlace, type Maker, makeHere } from './livepatch-make.ts';
export * from './modules.ts';
export { checkAddresses } from './notify/mail.ts';
export { type NotifyOptions, type NotifyTurn, notify, testChannel } from './notify/run.ts';
export { type NotifySettings, notifySettings, readSecret } from './notify/settings.ts';
export { checkWebhook, signatureOf } from './notify/webhook.ts';
export * from './patch-edit.ts';
export * from './patches.ts';
export * from './prove.ts';
export * from './publish.ts';
export * from './rank.ts';
export { type RebootQuestion, rebootPlans } from './reboot-input.ts';
export * from './report.ts';
export {
  type ControllerOptions,
  RolloutController,
  type RoundResult,
  TAKEOVER_MS,
} from './rollout/controller.ts';
export { type DraftOptions, draftRollout } from './rollout/draft.ts';
export { archiveSigner, folderSigner, type RolloutSigner, refreshOnlineRoles } from './rollout/signer.ts';
export { stopPublished } from './rollout/stop.ts';
export * from './search.ts';
export * from './sign-livepatch.ts';
export * from './signal-settings.ts';
export * from './signals.ts';
export * from './sync.ts';
export type { LoreSummary } from './sync-lore.ts';
export type { OnProgress, SyncOptions } from './sync-options.ts';
export type { VulnsSummary } from './sync-vulns.ts';
export * from './transfer.ts';
export * from './triage.ts';
export * from './verify.ts';
