import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { objectAt, type Place, textAt, within } from './form.ts';
import { canonicalJson, type JsonObject } from './json.ts';

/** TUF 1.0, 4.2.2: "All RSA keys MUST be at least 2048 bits." */
const MIN_RSA_BITS = 2048;
const PEM = /^-----BEGIN (?:RSA )?PUBLIC KEY-----/;
/** What stands before the point of a raw key in its SubjectPublicKeyInfo (RFC 8410, RFC 5480). */
const RAW_KEYS: Readonly<Record<string, { readonly head: string; readonly bytes: number }>> = {
  ed25519: { head: '302a300506032b6570032100', bytes: 32 },
  'ecdsa-sha2-nistp256': { head: '3059301306072a8648ce3d020106082a8648ce3d030107034200', bytes: 65 },
  'ecdsa-sha2-nistp384': { head: '3076301006072a8648ce3d020106052b81040022036200', bytes: 97 },
};
const CURVES: Readonly<Record<string, string>> = {
  'ecdsa-sha2-nistp256': 'prime256v1',
  'ecdsa-sha2-nistp384': 'secp384r1',
};

/** Is `signature` (hex) that of `payload` by a key as metadata lists it? For who signs: what hosts would refuse is told at once. */
export function verifySignature(key: object, payload: Uint8Array, signature: string): boolean {
  return new Key(key as JsonObject, { file: 'key', path: '' }).verifies(payload, signature);
}

interface UsableKey {
  readonly key: KeyObject;
  readonly digest: string | null;
  readonly padding?: number;
}

/** A public key as metadata lists it. One of a kind we do not know is kept, and never counts. */
export class Key {
  readonly #value: JsonObject;
  readonly #type: string;
  readonly #scheme: string;
  readonly #public: string;
  #usable: UsableKey | null | undefined;

  /** Errors: metadata-invalid, when it lacks the fields of every key (TUF 1.0, 4.2.2). */
  constructor(value: JsonObject, place: Place) {
    this.#value = value;
    this.#type = textAt(value['keytype'], within(place, 'keytype'));
    this.#scheme = textAt(value['scheme'], within(place, 'scheme'));
    const content = objectAt(value['keyval'], within(place, 'keyval'))['public'];
    this.#public = typeof content === 'string' ? content : '';
  }

  /** The same for the same key under any key id, so that it counts once. */
  get identity(): string {
    const usable = this.#resolve();
    return usable === null
      ? canonicalJson(this.#value)
      : usable.key.export({ type: 'spki', format: 'der' }).toString('base64');
  }

  /** Is `signature` (hex) this key's signature of `payload`? Never throws: what cannot be checked is no signature. */
  verifies(payload: Uint8Array, signature: string): boolean {
    const usable = this.#resolve();
    if (usable === null || !/^(?:[0-9a-fA-F]{2})+$/.test(signature)) return false;
    const { key, digest, padding } = usable;
    try {
      return verify(digest, payload, padding === undefined ? key : { key, padding }, Buffer.from(signature, 'hex'));
    } catch {
      return false;
    }
  }

  #resolve(): UsableKey | null {
    this.#usable ??= usableKey(this.#type, this.#scheme, this.#public);
    return this.#usable;
  }
}

function usableKey(type: string, scheme: string, content: string): UsableKey | null {
  const key = publicKey(scheme, content);
  if (key === null) return null;
  if (type === 'ed25519' && scheme === 'ed25519')
    return key.asymmetricKeyType === 'ed25519' ? { key, digest: null } : null;
  if (type === 'rsa') return usableRsa(key, scheme);
  const curve = CURVES[scheme];
  if (curve === undefined || (type !== 'ecdsa' && type !== scheme)) return null;
  return key.asymmetricKeyDetails?.namedCurve === curve
    ? { key, digest: scheme.endsWith('256') ? 'sha256' : 'sha384' }
    : null;
}

function usableRsa(key: KeyObject, scheme: string): UsableKey | null {
  if (key.asymmetricKeyType !== 'rsa' || (key.asymmetricKeyDetails?.modulusLength ?? 0) < MIN_RSA_BITS) return null;
  const digest = /^rsassa-pss-(sha256|sha384|sha512)$/.exec(scheme)?.[1];
  if (digest !== undefined) return { key, digest, padding: constants.RSA_PKCS1_PSS_PADDING };
  // Not in the specification; the reference implementation has it.
  return scheme === 'rsa-pkcs1v15-sha256' ? { key, digest: 'sha256', padding: constants.RSA_PKCS1_PADDING } : null;
}

/** PEM, or for a curve the raw point in hex. */
function publicKey(scheme: string, content: string): KeyObject | null {
  try {
    if (PEM.test(content)) return createPublicKey(content);
    const raw = RAW_KEYS[scheme];
    if (raw === undefined || !/^[0-9a-fA-F]+$/.test(content) || content.length !== 2 * raw.bytes) return null;
    return createPublicKey({ key: Buffer.from(raw.head + content, 'hex'), format: 'der', type: 'spki' });
  } catch {
    return null;
  }
}
