import type { CveId } from './cve-id.ts';

/**
 * Who can reach a bug, the most exposed first. `adjacent`: from the same link or radio; `user-namespace`: a local user
 * who may create one; `unknown`: nothing says.
 */
export const reachClasses = [
  'remote-unauthenticated',
  'remote-authenticated',
  'adjacent',
  'local-unprivileged',
  'user-namespace',
  'unknown',
  'physical',
  'root-only',
] as const;

export type ReachClass = (typeof reachClasses)[number];

/** What puts a CVE before another, the strongest first. `accepted`: a person took the risk until a date. */
export const priorityClasses = ['exploited', 'public-exploit', 'open', 'accepted', 'rejected'] as const;

export type PriorityClass = (typeof priorityClasses)[number];

/** One part of a priority, with its value and a sentence for people. */
export interface PriorityTerm {
  readonly name: 'class' | 'severity' | 'reach' | 'exposure' | 'epss' | 'age';
  /** What the term counts: 0 to 10 for severity, a factor for reach and exposure, a probability for EPSS, days for age. */
  readonly value: number | null;
  readonly sentence: string;
}

/** Where the severity of a priority comes from. A prediction is never shown as a score. */
export type SeverityOrigin = 'person' | 'scored' | 'predicted';

/** Why a CVE stands where it stands. Ordered by class, weight, origin (a real score wins only ties), EPSS, newest first. */
export interface Priority {
  readonly cve: CveId;
  readonly class: PriorityClass;
  /** Severity x reach x exposure; at most 10 x 1.5 x 1. */
  readonly weight: number;
  readonly origin: SeverityOrigin;
  readonly reach: ReachClass;
  readonly epss: number | null;
  /** When it was announced, ISO 8601; null = unknown. */
  readonly announced: string | null;
  readonly terms: readonly PriorityTerm[];
}

/** Bands of the predicted probability that the CNA would score a CVE HIGH or above. */
export type PredictedBand = 'likely-high' | 'possibly-high' | 'unlikely-high';

export function predictedBand(probability: number): PredictedBand {
  if (probability >= 0.5) return 'likely-high';
  return probability >= 0.2 ? 'possibly-high' : 'unlikely-high';
}
