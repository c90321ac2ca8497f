import { createHash, createPrivateKey, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { LivepatchError } from '../error.ts';
import { appendSignature, splitSignature } from './appended.ts';
import { DerError, der, oid, readDer, TAG } from './der.ts';
import { DATA, ECDSA, HASHES, RSA, SIGNED_DATA } from './oids.ts';

export type SigningHash = 'sha256' | 'sha384' | 'sha512';

/** Who signs modules: a key in a file, or one that never leaves its device. */
export interface ModuleSigner {
  /** X.509, DER: the signature names its issuer and serial number, and the kernel must have it. */
  readonly certificate: Buffer;
  readonly hash: SigningHash;
  /** RSA (PKCS #1 v1.5) or ECDSA over the hash of these bytes. */
  sign(bytes: Buffer): Promise<Buffer>;
}

/** A signer whose key and certificate (PEM or DER) are in memory. Errors: signing-failed, where they do not belong together. */
export function keySigner(key: Buffer, certificate: Buffer, hash: SigningHash): ModuleSigner {
  const [secret, read] = readKey(key, certificate);
  if (!read.checkPrivateKey(secret)) throw failed('the key does not belong to the certificate');
  return { certificate: read.raw, hash, sign: async (bytes) => sign(hash, bytes, secret) };
}

function readKey(key: Buffer, certificate: Buffer): [KeyObject, X509Certificate] {
  try {
    const isPem = key.includes('-----BEGIN');
    return [
      isPem ? createPrivateKey(key) : createPrivateKey({ key, format: 'der', type: 'pkcs8' }),
      new X509Certificate(certificate),
    ];
  } catch (cause) {
    throw failed('the key or the certificate cannot be read', cause);
  }
}

/**
 * Appends a signature as the kernel's scripts/sign-file does: PKCS#7 SignedData without certificates, attributes or content
 * (Documentation/admin-guide/module-signing.rst, RFC 5652). One that is there is replaced. For RSA the same bytes give the
 * same signature. Errors: signing-failed.
 */
export async function signModule(file: Buffer, signer: ModuleSigner): Promise<Buffer> {
  const { module, damage } = splitSignature(file);
  if (damage !== null) throw failed(`the module claims to be signed, and is damaged: ${damage}`);
  const value = await signer.sign(module);
  const hash = der(TAG.sequence, oid(oidOf(signer.hash)));
  const info = der(
    TAG.sequence,
    version(1),
    signerName(signer.certificate),
    hash,
    algorithmOf(signer),
    der(TAG.octets, value),
  );
  const data = der(TAG.sequence, version(1), der(TAG.set, hash), der(TAG.sequence, oid(DATA)), der(TAG.set, info));
  const message = der(TAG.sequence, oid(SIGNED_DATA), der(TAG.explicit0, data));
  return appendSignature(module, message);
}

/** What a certificate is known by: its SHA-256, hexadecimal. */
export function certificateId(certificate: Buffer): string {
  return createHash('sha256').update(new X509Certificate(certificate).raw).digest('hex');
}

function version(value: number): Buffer {
  return der(TAG.integer, Buffer.from([value]));
}

function oidOf(hash: SigningHash): string {
  const found = [...HASHES].find(([, name]) => name === hash);
  if (found === undefined) throw failed(`no kernel takes ${hash}`);
  return found[0];
}

function algorithmOf({ certificate, hash }: ModuleSigner): Buffer {
  const { asymmetricKeyType: type } = new X509Certificate(certificate).publicKey;
  if (type === 'rsa') return der(TAG.sequence, oid(RSA), der(TAG.nothing));
  if (type === 'ec') return der(TAG.sequence, oid(ECDSA[hash]));
  throw failed(`kernels take modules signed with RSA or ECDSA, not with ${type}`);
}

/** IssuerAndSerialNumber of a certificate, as its bytes say them (RFC 5280, section 4.1). */
function signerName(certificate: Buffer): Buffer {
  try {
    const [whole] = readDer(certificate);
    const [body] = readDer(whole?.content ?? Buffer.alloc(0));
    const fields = readDer(body?.content ?? Buffer.alloc(0)).filter(({ tag }) => tag !== TAG.explicit0);
    const [serial, , issuer] = fields;
    if (serial?.tag !== TAG.integer || issuer?.tag !== TAG.sequence) throw new DerError('no issuer');
    return der(TAG.sequence, issuer.whole, serial.whole);
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause;
    throw failed('the certificate names no issuer', cause);
  }
}

function failed(what: string, cause?: unknown): LivepatchError {
  return new LivepatchError('signing-failed', 'input', {
    what,
    remedy: 'give the key and the certificate that the kernel trusts, as PEM or DER',
    cause,
  });
}
