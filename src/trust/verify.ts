import { createHash } from 'node:crypto';
import { refused } from './error.ts';
import type { Authority, Digests, Document, FileMeta } from './metadata.ts';

/** Hash functions, and how many characters of hex they give. */
const DIGESTS: ReadonlyMap<string, number> = new Map([
  ['sha256', 64],
  ['sha384', 96],
  ['sha512', 128],
]);

/**
 * How many of these keys have signed the document (TUF 1.0, 5.3.4)? "Each KEY MUST only contribute one SIGNATURE", under
 * however many ids it is listed; one that is not listed, of a kind we do not know, or whose signature is not right counts
 * not at all.
 */
export function countSigners(document: Document, authority: Authority): number {
  const signers = new Set<string>();
  for (const keyid of authority.keyids) {
    const [key, signature] = [authority.keys.get(keyid), document.signatures.get(keyid)];
    if (key !== undefined && signature !== undefined && key.verifies(document.payload, signature))
      signers.add(key.identity);
  }
  return signers.size;
}

/** Has a threshold of these keys signed the document? Errors: metadata-unsigned. */
export function requireSigned(document: Document, authority: Authority, file: string): void {
  const count = countSigners(document, authority);
  if (count < authority.threshold)
    throw refused(
      'metadata-unsigned',
      `the metadata is not signed by the keys this host trusts: ${count} of ${authority.threshold} signatures`,
      file,
    );
}

/** Is a metadata file the one that the metadata above it lists: length and hashes, where given. */
export function isListed(bytes: Uint8Array, { length, digests }: FileMeta): boolean {
  return (length === undefined || bytes.length === length) && (digests === undefined || hasDigests(bytes, digests));
}

/** An algorithm that we cannot compute matches nothing: it may be the one that differs. */
export function hasDigests(bytes: Uint8Array, digests: Digests): boolean {
  return [...digests].every(
    ([name, digest]) => DIGESTS.has(name) && createHash(name).update(bytes).digest('hex') === digest,
  );
}

/** One of the hashes, which stands in the name of a file (TUF 1.0, 5.7.3); undefined where one of them cannot be. */
export function namingDigest(digests: Digests): string | undefined {
  const known = [...digests].every(
    ([name, digest]) => /^[0-9a-f]+$/.test(digest) && DIGESTS.get(name) === digest.length,
  );
  return known ? (digests.get('sha256') ?? digests.values().next().value) : undefined;
}

/** Have the keys of a role, or how many of them it takes, changed? What an id stands for counts, not the id. */
export function isRotated(before: Authority, after: Authority): boolean {
  return fingerprint(before) !== fingerprint(after);
}

function fingerprint({ keyids, keys, threshold }: Authority): string {
  const identities = new Set([...keyids].map((keyid) => keys.get(keyid)?.identity ?? `unknown ${keyid}`));
  return JSON.stringify([threshold, [...identities].sort()]);
}

/**
 * The time of one update, taken once (TUF 1.0, 5.1). It is never earlier than what an archive signed as its own time and
 * this host has verified: a host whose clock stands at 1970 does not believe metadata that expired since.
 */
export class UpdateTime {
  #now: number;

  constructor(start: Date) {
    this.#now = start.getTime();
  }

  /** Metadata that is trusted tells how late it is at least. */
  learn({ issued }: { readonly issued: number | null }): void {
    this.#now = Math.max(this.#now, issued ?? this.#now);
  }

  /** Errors: metadata-expired. */
  requireFresh({ expires, issued }: { readonly expires: number; readonly issued: number | null }, file: string): void {
    if (expires > Math.max(this.#now, issued ?? this.#now)) return;
    throw refused(
      'metadata-expired',
      `the metadata has expired (${new Date(expires).toISOString()}): the archive is stale, somebody holds back its news, or the clock of this host is wrong`,
      file,
    );
  }
}
