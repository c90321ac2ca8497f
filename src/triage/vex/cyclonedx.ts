import type { Justification, Verdict, VerdictStatus } from '#domain';
import { evidenceText, type VexOrigin, type VexProduct } from './vex.ts';

/** Impact analysis states of CycloneDX (1.6, vulnerabilities[].analysis.state). */
const STATE: Readonly<Record<VerdictStatus, string>> = {
  affected: 'exploitable',
  not_affected: 'not_affected',
  fixed: 'resolved',
  under_investigation: 'in_triage',
};

/** Impact analysis justifications of CycloneDX (1.6, vulnerabilities[].analysis.justification). */
const JUSTIFICATION: Readonly<Record<Justification, string>> = {
  vulnerable_code_not_present: 'code_not_present',
  component_not_present: 'code_not_present',
  vulnerable_code_not_in_execute_path: 'code_not_reachable',
  vulnerable_code_cannot_be_controlled_by_adversary: 'protected_by_mitigating_control',
  inline_mitigations_already_exist: 'protected_by_mitigating_control',
};

/** A CycloneDX 1.6 document that holds one kernel and what is known of its vulnerabilities (VEX). */
export interface CycloneDx {
  readonly bomFormat: 'CycloneDX';
  readonly specVersion: '1.6';
  readonly serialNumber: string;
  readonly version: 1;
  readonly metadata: unknown;
  readonly vulnerabilities: readonly unknown[];
}

/** The verdicts on one kernel as CycloneDX VEX. */
export function toCycloneDx(product: VexProduct, verdicts: readonly Verdict[], origin: VexOrigin): CycloneDx {
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${origin.uuid}`,
    version: 1,
    metadata: {
      timestamp: origin.at.toISOString(),
      authors: [{ name: origin.author }],
      tools: { components: [{ type: 'application', name: 'TuxTape', version: origin.toolVersion }] },
      component: {
        type: 'operating-system',
        'bom-ref': product.purl,
        name: product.name,
        version: product.version,
        purl: product.purl,
        ...(product.buildId !== null && { properties: [{ name: 'tuxtape:build-id', value: product.buildId }] }),
      },
    },
    vulnerabilities: verdicts.map((verdict) => vulnerabilityOf(verdict, product)),
  };
}

function vulnerabilityOf(verdict: Verdict, { purl }: VexProduct): unknown {
  return {
    id: verdict.cve,
    source: { name: 'CVE', url: `https://www.cve.org/CVERecord?id=${verdict.cve}` },
    analysis: {
      state: STATE[verdict.status],
      ...(verdict.justification !== null && { justification: JUSTIFICATION[verdict.justification] }),
      ...(verdict.status === 'affected' && { response: ['update'] }),
      detail: evidenceText(verdict),
    },
    affects: [{ ref: purl }],
  };
}
