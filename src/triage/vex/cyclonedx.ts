import type { Justification, VerdictStatus } from '#domain';
import { evidenceText, type VexOrigin, type VexProduct, type VexStatement } from './vex.ts';

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
  readonly version: number;
  readonly metadata: unknown;
  readonly components?: readonly unknown[];
  readonly vulnerabilities: readonly unknown[];
}

/**
 * The verdicts on one kernel as CycloneDX VEX, every one of them. With the link of a BOM each statement refers to the
 * kernel in that BOM (CycloneDX, "Independent BOM and VEX BOM"), else to the component of this document.
 */
export function toCycloneDx(product: VexProduct, statements: readonly VexStatement[], origin: VexOrigin): CycloneDx {
  const [first, ...others] = product.purls.map((purl) => componentOf(purl, product));
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${origin.uuid}`,
    version: origin.version,
    metadata: {
      timestamp: origin.changedAt.toISOString(),
      authors: [{ name: origin.author }],
      tools: { components: [{ type: 'application', name: 'TuxTape', version: origin.toolVersion }] },
      component: first,
    },
    ...(others.length > 0 && { components: others }),
    vulnerabilities: statements.map((statement) => vulnerabilityOf(statement, product)),
  };
}

function componentOf(purl: string, { name, version, buildId }: VexProduct): unknown {
  return {
    type: 'operating-system',
    'bom-ref': purl,
    name,
    version,
    purl,
    ...(buildId !== null && { properties: [{ name: 'tuxtape:build-id', value: buildId }] }),
  };
}

function vulnerabilityOf({ verdict, decidedAt }: VexStatement, { purls, bom }: VexProduct): unknown {
  return {
    id: verdict.cve,
    source: { name: 'CVE', url: `https://www.cve.org/CVERecord?id=${verdict.cve}` },
    analysis: {
      state: STATE[verdict.status],
      ...(verdict.justification !== null && { justification: JUSTIFICATION[verdict.justification] }),
      ...(verdict.status === 'affected' && { response: ['update'] }),
      detail: evidenceText(verdict),
      lastUpdated: decidedAt.toISOString(),
    },
    affects: purls.map((purl) => ({ ref: bom === null ? purl : `${bom}#${inFragment(purl)}` })),
  };
}

/** A reference in a BOM-Link is the fragment of a URN (RFC 8141): what would end or unescape it is escaped. */
function inFragment(reference: string): string {
  return reference.replaceAll('%', '%25').replaceAll('#', '%23');
}
