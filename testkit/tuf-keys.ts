import { constants, createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** How a key signs and is written: raw keys as hex, the others as PEM. */
export type KeyKind =
  | 'ed25519'
  | 'ed25519-pem'
  | 'ecdsa'
  | 'ecdsa-hex'
  | 'ecdsa-384'
  | 'ecdsa-old'
  | 'ecdsa-other-curve'
  | 'rsa'
  | 'rsa-1024'
  | 'rsa-pkcs1';

/** Canonical JSON, keys in the order of their UTF-8 as the reference implementation sorts them. */
export function canonical(value: unknown): string {
  if (typeof value === 'string') return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  const sorted = entries.toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `{${sorted.map(([key, item]) => `${canonical(key)}:${canonical(item)}`).join(',')}}`;
}

/** A private key with its public part as metadata lists it. */
export class TestKey {
  readonly kind: KeyKind;
  readonly #private: KeyObject;
  /** What stands under `keys`; a test may add fields. */
  readonly json: Record<string, unknown>;
  keyid: string;

  constructor(kind: KeyKind = 'ed25519') {
    this.kind = kind;
    const { privateKey, publicKey } = generate(kind);
    this.#private = privateKey;
    this.json = { ...names(kind), keyval: { public: publicText(kind, publicKey) } };
    this.keyid = createHash('sha256').update(canonical(this.json)).digest('hex');
  }

  /** Signature of what `signed` says, hex. */
  sign(signed: object): string {
    const data = Buffer.from(canonical(signed));
    if (this.kind.startsWith('ed25519')) return sign(null, data, this.#private).toString('hex');
    if (this.kind.startsWith('ecdsa'))
      return sign(this.kind === 'ecdsa-384' ? 'sha384' : 'sha256', data, this.#private).toString('hex');
    const padding = this.kind === 'rsa-pkcs1' ? constants.RSA_PKCS1_PADDING : constants.RSA_PKCS1_PSS_PADDING;
    return sign('sha256', data, { key: this.#private, padding }).toString('hex');
  }
}

function generate(kind: KeyKind): { privateKey: KeyObject; publicKey: KeyObject } {
  if (kind.startsWith('ed25519')) return generateKeyPairSync('ed25519');
  if (kind.startsWith('rsa')) return generateKeyPairSync('rsa', { modulusLength: kind === 'rsa-1024' ? 1024 : 2048 });
  return generateKeyPairSync('ec', {
    namedCurve: ['ecdsa-384', 'ecdsa-other-curve'].includes(kind) ? 'secp384r1' : 'prime256v1',
  });
}

function names(kind: KeyKind): { keytype: string; scheme: string } {
  switch (kind) {
    case 'ed25519':
    case 'ed25519-pem':
      return { keytype: 'ed25519', scheme: 'ed25519' };
    case 'ecdsa':
    case 'ecdsa-hex':
    case 'ecdsa-other-curve':
      return { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256' };
    case 'ecdsa-old':
      return { keytype: 'ecdsa-sha2-nistp256', scheme: 'ecdsa-sha2-nistp256' };
    case 'ecdsa-384':
      return { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp384' };
    case 'rsa-pkcs1':
      return { keytype: 'rsa', scheme: 'rsa-pkcs1v15-sha256' };
    default:
      return { keytype: 'rsa', scheme: 'rsassa-pss-sha256' };
  }
}

function publicText(kind: KeyKind, key: KeyObject): string {
  const der = key.export({ type: 'spki', format: 'der' });
  if (kind === 'ed25519') return der.subarray(-32).toString('hex');
  if (kind === 'ecdsa-hex') return der.subarray(-65).toString('hex');
  return key.export({ type: 'spki', format: 'pem' }).toString();
}
