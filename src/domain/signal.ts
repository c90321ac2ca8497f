import type { CveId } from './cve-id.ts';

/** Sources of severity signals beside the CNA; each is kept for itself, with its time, and none is folded into another. */
export const signalSources = ['nvd', 'kev', 'vulnrichment', 'epss', 'exploits'] as const;

export type SignalSource = (typeof signalSources)[number];

export function isSignalSource(text: string): text is SignalSource {
  return (signalSources as readonly string[]).includes(text);
}

/** A CVSS v3.x judgement of somebody; the score is computed from the vector. */
export interface Judgement {
  readonly vector: string;
  readonly score: number;
  /** Who judged: an organisation's id or address, as the source gives it. */
  readonly by: string;
}

/** NVD CVE API 2.0: `vulnStatus`, metrics and weaknesses. */
export interface NvdSignal {
  readonly source: 'nvd';
  readonly status: string;
  readonly judgements: readonly Judgement[];
  readonly weaknesses: readonly string[];
}

/** CISA's catalog of known exploited vulnerabilities. Dates are ISO days. */
export interface KevSignal {
  readonly source: 'kev';
  readonly added: string;
  readonly due: string | null;
  readonly ransomware: boolean;
  readonly name: string;
}

/** CISA Vulnrichment: the ADP container's SSVC decision points (Exploitation: none, poc, active), CVSS and CWE. */
export interface VulnrichmentSignal {
  readonly source: 'vulnrichment';
  readonly exploitation: 'none' | 'poc' | 'active' | null;
  readonly automatable: boolean | null;
  readonly technicalImpact: 'partial' | 'total' | null;
  readonly judgements: readonly Judgement[];
  readonly weaknesses: readonly string[];
}

/** FIRST's Exploit Prediction Scoring System: probability of exploitation seen in the next 30 days, and its percentile, 0 to 1. */
export interface EpssSignal {
  readonly source: 'epss';
  readonly probability: number;
  readonly percentile: number;
  readonly model: string;
}

/** Public exploits: kernelCTF-style submissions, or entries of a plain list. */
export interface ExploitsSignal {
  readonly source: 'exploits';
  readonly exploits: readonly {
    readonly kind: 'kernelctf' | 'list';
    readonly where: string;
    /** What the exploit needs, as kernelCTF states it: `userns`, `CAP_NET_ADMIN`, kernel options. */
    readonly needs: readonly string[];
  }[];
}

export type SignalValue = NvdSignal | KevSignal | VulnrichmentSignal | EpssSignal | ExploitsSignal;

/** What one source says of one CVE. */
export interface Signal<Value extends SignalValue = SignalValue> {
  readonly cve: CveId;
  /** The source's own time for this, ISO 8601; null where it gives none. */
  readonly at: string | null;
  readonly value: Value;
}
