/**
 * The data on its way: hosts' last words, people's commands and the time since the last round go in; `planFleet` says in steps what
 * happens and why, and gives the next state and, for each kernel, the one small file that the archive's rollout role signs.
 */
export { MAX_HELD } from './commands.ts';
export { entriesOf, entryOf } from './entry.ts';
export { type RolloutCode, RolloutError } from './error.ts';
export { compare, failureText, hostsText, MAX_FAILURES } from './judge.ts';
export { type Positions, rememberPositions } from './members.ts';
export { type FleetObservation, type FleetPlan, type Published, planFleet, planText } from './plan.ts';
export { belowFloors, MAX_ERROR_HOSTS, MAX_POLICY_BYTES, readPolicy } from './policy-file.ts';
export { MAX_GAP_MS } from './progress.ts';
export { hasControl, nextStage, type Stage, soakOf, stageText, treatedShare } from './stages.ts';
