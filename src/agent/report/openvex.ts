import { sha256 } from '#host';
import type { AgentStatus } from './status.ts';

/** The statement of this host for scanners (OpenVEX v0.2.0): what its livepatch closed; null where nothing is closed. */
export function hostVex(status: AgentStatus): object | null {
  const { loaded, kernel, at } = status;
  if (loaded === null || loaded.cves.length === 0) return null;
  const version = encodeURIComponent(kernel.release);
  const purl = `pkg:generic/linux@${version}?build_id=${encodeURIComponent(kernel.buildId)}`;
  const product = { '@id': purl, identifiers: { purl } };
  return {
    '@context': 'https://openvex.dev/ns/v0.2.0',
    '@id': `urn:uuid:${uuidOf(`${status.bootId} ${loaded.number}`)}`,
    author: 'tuxtape-agent',
    timestamp: at,
    version: 1,
    statements: [...loaded.cves].sort().map((name) => ({
      vulnerability: { name },
      timestamp: at,
      products: [product],
      status: 'fixed',
      status_notes: `livepatch ${loaded.moduleName}, release ${loaded.number}, is on in this boot`,
    })),
  };
}

/** One document a boot and release (RFC 9562, version 8). */
function uuidOf(text: string): string {
  const hex = sha256(`tuxtape host vex ${text}`);
  const variant = ((Number.parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(18, 20)}-${hex.slice(20, 32)}`;
}
