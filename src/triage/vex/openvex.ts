import type { Verdict } from '#domain';
import { evidenceText, type VexOrigin, type VexProduct, type VexStatement } from './vex.ts';

interface Component {
  readonly '@id': string;
  readonly identifiers: { readonly purl: string };
}

/** One statement: a CVE, the kernel, a status (OpenVEX v0.2.0, "Statement Fields"). */
export interface OpenVexStatement {
  readonly vulnerability: { readonly name: string };
  /** Since when it stands. */
  readonly timestamp: string;
  readonly products: readonly (Component & { readonly subcomponents?: readonly Component[] })[];
  readonly status: Verdict['status'];
  /**
   * For `not_affected`. The published schema takes it or an impact statement, never both: the evidence is in the notes.
   */
  readonly justification?: string;
  /** Required for `affected`. */
  readonly action_statement?: string;
  readonly status_notes: string;
}

/** An OpenVEX document (v0.2.0, openvex.dev/ns/v0.2.0). */
export interface OpenVex {
  readonly '@context': 'https://openvex.dev/ns/v0.2.0';
  readonly '@id': string;
  readonly author: string;
  readonly timestamp: string;
  readonly last_updated: string;
  readonly version: number;
  readonly tooling: string;
  readonly statements: readonly OpenVexStatement[];
}

/** The verdicts on one kernel as OpenVEX, every one of them; the schema wants one statement at least. */
export function toOpenVex(product: VexProduct, statements: readonly VexStatement[], origin: VexOrigin): OpenVex {
  const products = productsOf(product);
  return {
    '@context': 'https://openvex.dev/ns/v0.2.0',
    '@id': `urn:uuid:${origin.uuid}`,
    author: origin.author,
    timestamp: origin.issuedAt.toISOString(),
    last_updated: origin.changedAt.toISOString(),
    version: origin.version,
    tooling: `TuxTape ${origin.toolVersion}`,
    statements: statements.map((statement) => statementOf(statement, products)),
  };
}

function productsOf({ purls, within }: VexProduct): OpenVexStatement['products'] {
  const components = purls.map(componentOf);
  return within.length === 0 ? components : within.map((purl) => ({ ...componentOf(purl), subcomponents: components }));
}

function componentOf(purl: string): Component {
  return { '@id': purl, identifiers: { purl } };
}

/**
 * What the ladder clears is `vulnerable_code_not_present`, a rejected CVE too: it names no vulnerability, so no code is
 * vulnerable; `component_not_present` would say that the kernel is not there.
 */
function statementOf({ verdict, decidedAt }: VexStatement, products: OpenVexStatement['products']): OpenVexStatement {
  return {
    vulnerability: { name: verdict.cve },
    timestamp: decidedAt.toISOString(),
    products,
    status: verdict.status,
    ...(verdict.justification !== null && { justification: verdict.justification }),
    ...(verdict.status === 'affected' && {
      action_statement: 'Load a livepatch of the fix, or boot a kernel that contains it.',
    }),
    status_notes: evidenceText(verdict),
  };
}
