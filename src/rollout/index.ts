/**
 * The data on its way: hosts' last words, people's commands and the time since the last round go in; `planFleet` says in steps what
 * happens and why, and gives the next state and, for each kernel, the one small file that the archive's rollout role signs.
 */
export { type RolloutCode, RolloutError } from './error.ts';
export { failureText, hostsText } from './judge.ts';
export { type Positions, rememberPositions } from './members.ts';
export { type FleetObservation, type FleetPlan, type Published, planFleet, planText } from './plan.ts';
export { belowFloors, MAX_POLICY_BYTES, readPolicy } from './policy-file.ts';
export { MAX_GAP_MS } from './progress.ts';
export { stageText } from './stages.ts';
