import type { GateCheck } from '#domain';
import { check } from './check.ts';
import { type Judgement, UNLISTED } from './judge.ts';

/** Names of the two steps that see whether the kernel really runs the new code. */
export const PATCHED = 'every object is patched';
export const REDIRECTED = 'every function is redirected';

/**
 * A kernel that tells neither (before 6.1 sysfs has no `patched`, and the tracer's list may be away) shows no redirection at all:
 * that is no proof.
 */
export function redirectionCheck(outcomes: ReadonlyMap<string, Judgement>): GateCheck[] {
  const isUntold = outcomes.get(PATCHED)?.outcome === 'skipped';
  if (!isUntold || outcomes.get(REDIRECTED)?.detail.includes(UNLISTED) !== true) return [];
  const detail = 'neither sysfs nor the tracer of this kernel tells whether the functions are redirected';
  return [check('machine', 'redirection is seen', 'failed', detail)];
}
