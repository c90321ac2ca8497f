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
