import type { CveRowView } from '#contract';
import type { PriorityClass, ReachClass, Severity, VerdictStatus } from '#domain';

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

export const statusColors: Readonly<Record<VerdictStatus, string>> = {
  affected: 'red.9',
  under_investigation: 'yellow.3',
  fixed: 'teal.9',
  not_affected: 'gray.7',
};

/** Why a CVE was dismissed, by the rung that did it. */
export const dismissedWords: Readonly<Record<string, string>> = {
  state: 'rejected by the CNA',
  ranges: 'vulnerable code came later, or in another branch',
  build: 'its files are not in this build',
  condition: 'its fix changes nothing that this configuration compiles',
  object: 'its fix changes no object of this build',
  person: 'by the word of a person',
};

export const rungWords: Readonly<Record<string, string>> = {
  state: 'Record',
  ranges: 'Versions',
  build: 'Build',
  source: 'Source',
  condition: 'Conditions',
  function: 'Functions',
  object: 'Objects',
  fleet: 'Fleet',
  person: 'Person',
};

export const sourceWords: Readonly<Record<string, string>> = {
  lore: 'Announcements',
  vulns: 'Records',
  nvd: 'NVD',
  kev: 'CISA KEV',
  vulnrichment: 'Vulnrichment',
  epss: 'EPSS',
  exploits: 'Public exploits',
};

/** Only what sets a CVE apart is said; `open` needs no word. */
export const classWords: Readonly<Partial<Record<PriorityClass, string>>> = {
  exploited: 'Exploited',
  'public-exploit': 'Public exploit',
  accepted: 'Risk accepted',
};

export const reachWords: Readonly<Record<ReachClass, string>> = {
  'remote-unauthenticated': 'from the network',
  'remote-authenticated': 'by a peer',
  adjacent: 'from the same link',
  'local-unprivileged': 'by any local user',
  'user-namespace': 'by a local user in a user namespace',
  unknown: 'unknown who',
  physical: 'at the machine',
  'root-only': 'by root only',
};

/** `High 7.8`; a CVE nobody scored says what is predicted, in words that cannot be taken for a score. */
export function severityText({
  severity,
  score,
  predicted,
}: Pick<CveRowView, 'severity' | 'score' | 'predicted'>): string {
  if (score !== null) return `${severityWords[severity]} ${score.toFixed(1)}`;
  return predicted === null ? severityWords['not-scored'] : `Predicted ${predicted.replace('-', ' ')}`;
}

/** How long ago, in one unit. */
export function age(iso: string, now: string): string {
  const minutes = Math.max(0, Math.round((Date.parse(now) - Date.parse(iso)) / 60_000));
  if (minutes < 60) return `${minutes} min ago`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} h ago` : `${Math.round(minutes / 1440)} days ago`;
}
