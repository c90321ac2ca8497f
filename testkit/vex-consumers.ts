/** What scanners do with a VEX document, as their documentation and the library they share (go-vex) state it. */
import { PackageURL } from 'packageurl-js';
import type { OpenVexComponent, OpenVexDocument } from './openvex.ts';

/** A finding of a scanner: a CVE in a package of what was scanned. */
export interface ScanFinding {
  readonly cve: string;
  readonly purl: string;
}

function parsed(text: string): PackageURL | null {
  try {
    return PackageURL.fromString(text);
  } catch {
    return null;
  }
}

/** The purl of a document is the general one: without a version it is any; each of its qualifiers is asked for. */
export function purlMatches(general: string, specific: string): boolean {
  const [a, b] = [parsed(general), parsed(specific)];
  if (a === null || b === null) return false;
  if (a.type !== b.type || a.namespace !== b.namespace || a.name !== b.name) return false;
  if (a.version && a.version !== b.version) return false;
  const has = { ...b.qualifiers } as Record<string, string>;
  return Object.entries({ ...a.qualifiers } as Record<string, string>).every(([key, value]) => has[key] === value);
}

function matches(component: OpenVexComponent, identifier: string): boolean {
  const names = [component['@id'], component.identifiers.purl];
  return names.some((name) => name === identifier || purlMatches(name, identifier));
}

/**
 * Grype and Trivy with OpenVEX: the newest statement on the CVE whose product is the package itself, or what was scanned
 * with the package as subcomponent, dismisses it when it says not_affected or fixed.
 */
export function openVexDismisses(
  { statements }: OpenVexDocument,
  finding: ScanFinding,
  scanned: string | null,
): boolean {
  const said = statements
    .filter(({ vulnerability, products }) => {
      if (vulnerability.name !== finding.cve) return false;
      return products.some((product) =>
        product.subcomponents === undefined
          ? matches(product, finding.purl) || (scanned !== null && matches(product, scanned))
          : scanned !== null &&
            matches(product, scanned) &&
            product.subcomponents.some((part) => matches(part, finding.purl)),
      );
    })
    .toSorted((a, b) => a.timestamp.localeCompare(b.timestamp));
  return ['not_affected', 'fixed'].includes(said.at(-1)?.status ?? '');
}

export interface CycloneDxVex {
  readonly vulnerabilities: readonly {
    readonly id: string;
    readonly analysis: { readonly state: string };
    readonly affects: readonly { readonly ref: string }[];
  }[];
}

/** Trivy with CycloneDX: a BOM-Link to the scanned BOM whose reference is the package's purl or bom-ref. */
export function trivyCycloneDxDismisses({ vulnerabilities }: CycloneDxVex, finding: ScanFinding, bom: string): boolean {
  const found = vulnerabilities.find(({ id }) => id === finding.cve);
  if (!found || !['not_affected', 'resolved'].includes(found.analysis.state)) return false;
  return found.affects.some(({ ref }) => {
    const [link, ...rest] = ref.split('#');
    return link === bom && decodeURIComponent(rest.join('#')) === finding.purl;
  });
}
