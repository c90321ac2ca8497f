import { InvalidArgumentError } from 'commander';
import type { ReleaseApproval } from '#domain';
import { inert } from '../../text.ts';

/** How many bits number so many bins. */
export function binBits(text: string): number {
  const bits = Math.log2(Number(text));
  if (Number.isInteger(bits) && bits >= 1 && bits <= 14) return bits;
  throw new InvalidArgumentError('a power of two is wanted, 2 to 16384');
}

/** On whose word a release went out; releases of older programs do not say. */
export function approvedBy(approval: ReleaseApproval | undefined): string {
  if (approval === undefined) return 'approval not recorded';
  if ('without' in approval) return `published WITHOUT APPROVAL by ${inert(approval.by)}: ${inert(approval.without)}`;
  return `approved by ${approval.reviewers.map(inert).join(', ')}`;
}
