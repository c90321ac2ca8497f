import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { signedRequestText } from '#domain';

/** SubjectPublicKeyInfo of an Ed25519 key without the key itself (RFC 8410 section 4). */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** A public key from its 32 bytes; undefined: it has another length. */
export function hostKey(raw: Buffer): KeyObject | undefined {
  if (raw.length !== KEY_BYTES) return undefined;
  return createPublicKey({ key: Buffer.concat([SPKI_HEAD, raw]), format: 'der', type: 'spki' });
}

export function bodyHash(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}

/** Did the owner of this key sign just this request? `host`: its id, `-` at enrolment. */
export function isSignedBy(
  raw: Buffer,
  signature: Buffer,
  { path, host, bodySha256 }: { readonly path: string; readonly host: string; readonly bodySha256: string },
): boolean {
  const key = hostKey(raw);
  if (key === undefined || signature.length !== SIGNATURE_BYTES) return false;
  return verify(null, Buffer.from(signedRequestText(path, host, bodySha256)), key, signature);
}
