import type { Verdict } from '#domain';
import { evidenceText, type VexOrigin, type VexProduct } from './vex.ts';

/** One statement: a CVE, the kernel, a status (OpenVEX v0.2.0, "Statement Fields"). */
export interface OpenVexStatement {
  readonly vulnerability: { readonly name: string };
  readonly products: readonly [{ readonly '@id': string; readonly identifiers: { readonly purl: string } }];
  readonly status: Verdict['status'];
  /** Required, this or an impact statement, for `not_affected`. */
  readonly justification?: string;
  readonly impact_statement?: string;
  /** Required for `affected`. */
  readonly action_statement?: string;
  readonly status_notes?: string;
}

/** An OpenVEX document (v0.2.0, openvex.dev/ns/v0.2.0). */
export interface OpenVex {
  readonly '@context': 'https://openvex.dev/ns/v0.2.0';
  readonly '@id': string;
  readonly author: string;
  readonly timestamp: string;
  readonly version: 1;
  readonly tooling: string;
  readonly statements: readonly OpenVexStatement[];
}

/** The verdicts on one kernel as OpenVEX; the schema wants one statement at least. */
export function toOpenVex(product: VexProduct, verdicts: readonly Verdict[], origin: VexOrigin): OpenVex {
  return {
    '@context': 'https://openvex.dev/ns/v0.2.0',
    '@id': `urn:uuid:${origin.uuid}`,
    author: origin.author,
    timestamp: origin.at.toISOString(),
    version: 1,
    tooling: `TuxTape ${origin.toolVersion}`,
    statements: verdicts.map((verdict) => statementOf(verdict, product)),
  };
}

function statementOf(verdict: Verdict, { purl }: VexProduct): OpenVexStatement {
  const text = evidenceText(verdict);
  return {
    vulnerability: { name: verdict.cve },
    products: [{ '@id': purl, identifiers: { purl } }],
    status: verdict.status,
    ...(verdict.justification === null
      ? { status_notes: text }
      : { justification: verdict.justification, impact_statement: text }),
    ...(verdict.status === 'affected' && {
      action_statement: 'Load a livepatch of the fix, or boot a kernel that contains it.',
    }),
  };
}
