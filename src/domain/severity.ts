/** CVSS v3.1 qualitative bands (specification section 5), and the class of CVEs nobody has scored: never zero. */
export type Severity = 'critical' | 'high' | 'medium' | 'low' | 'none' | 'not-scored';

export const severities: readonly Severity[] = ['critical', 'high', 'medium', 'low', 'none', 'not-scored'];

export function severityOf(score: number | null): Severity {
  if (score === null) return 'not-scored';
  if (score >= 9) return 'critical';
  if (score >= 7) return 'high';
  if (score >= 4) return 'medium';
  return score > 0 ? 'low' : 'none';
}

/**
 * Order of a list: scored CVEs by score, highest first. "Not scored" stands after HIGH: the kernel CNA scores only what is
 * HIGH or above, so an unscored CVE is either new or below 7.0, and is never sorted as 0.
 */
export function severityRank(score: number | null): number {
  return score === null ? 6.9 : score;
}
