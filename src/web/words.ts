import type { VerdictView } from '#contract';
import type { Severity, VerdictStatus } from '#domain';

export const severityWords: Readonly<Record<Severity, string>> = {
  critical: 'Critical',
  high: 'High',
  medium: 'Medium',
  low: 'Low',
  none: 'None',
  'not-scored': 'Not scored',
};
/** Fixed shades: the same in both themes, and told apart in lightness too. */
export const severityColors: Readonly<Record<Severity, string>> = {
  critical: 'red.9',
  high: 'orange.5',
  medium: 'yellow.3',
  low: 'blue.9',
  none: 'gray.7',
  'not-scored': 'grape.9',
};
export const statusWords: Readonly<Record<VerdictStatus, string>> = {
  affected: 'Affected',
  under_investigation: 'Under investigation',
  fixed: 'Fixed',
  not_affected: 'Not affected',
};

/** Why a CVE was dismissed, by the rung that did it. */
export const dismissedWords: Readonly<Record<string, string>> = {
  ranges: 'vulnerable code came later, or in another branch',
  build: 'its files are not in this build',
  state: 'rejected by the CNA',
};

export const rungWords: Readonly<Record<string, string>> = {
  state: 'Record',
  ranges: 'Versions',
  build: 'Build',
  source: 'Source',
  object: 'Objects',
  fleet: 'Fleet',
};

/** `High 7.8`; a CVE without a score is said to have none. */
export function severityText({ severity, score }: VerdictView): string {
  return score === null ? severityWords['not-scored'] : `${severityWords[severity]} ${score.toFixed(1)}`;
}

/** How long ago, in one unit. */
export function age(iso: string, now: string): string {
  const minutes = Math.max(0, Math.round((Date.parse(now) - Date.parse(iso)) / 60_000));
  if (minutes < 60) return `${minutes} min ago`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} h ago` : `${Math.round(minutes / 1440)} days ago`;
}
