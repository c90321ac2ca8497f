import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  scrypt,
} from 'node:crypto';
import { promisify } from 'node:util';
import { canonicalize } from '@tufjs/canonical-json';
import * as z from 'zod';
import { ArchiveError } from '../error.ts';
import { keyIdOf, type PublicKey } from '../metadata.ts';
import { publicPart } from './signer.ts';

/**
 * A private key under a passphrase: scrypt (RFC 7914) makes the key of AES-256-GCM. Everything but the ciphertext is authenticated with
 * it, so that no file can be given another name, public key or cost.
 */
const COST = { N: 1 << 16, r: 8, p: 1 } as const;
/** A file from elsewhere must not take all memory or a day: 128 × N × r bytes. */
const MAX_COST = { N: 1 << 18, r: 16, p: 4 } as const;
const KEY_BYTES = 32;

const hex = z
  .string()
  .regex(/^(?:[0-9a-f]{2})+$/)
  .max(16_384);
export const publicKeySchema = z.strictObject({
  keytype: z.enum(['ed25519', 'ecdsa', 'rsa']),
  scheme: z.enum(['ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'rsassa-pss-sha256', 'rsa-pkcs1v15-sha256']),
  keyval: z.strictObject({ public: z.string().max(4_096) }),
});
const encryptedSchema = z.strictObject({
  format: z.literal('tuxtape-key/1'),
  public: publicKeySchema,
  kdf: z.strictObject({
    name: z.literal('scrypt'),
    N: z.number().int().min(2).max(MAX_COST.N),
    r: z.number().int().min(1).max(MAX_COST.r),
    p: z.number().int().min(1).max(MAX_COST.p),
    salt: hex,
  }),
  cipher: z.strictObject({ name: z.literal('aes-256-gcm'), nonce: hex, tag: hex }),
  data: hex,
});
export type EncryptedKey = z.infer<typeof encryptedSchema>;

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt);

function passKey(passphrase: string, kdf: Pick<EncryptedKey['kdf'], 'N' | 'r' | 'p' | 'salt'>): Promise<Buffer> {
  const { N, r, p, salt } = kdf;
  return derive(passphrase.normalize('NFC'), Buffer.from(salt, 'hex'), KEY_BYTES, { N, r, p, maxmem: 256 * N * r });
}

function authenticated({ format, public: key, kdf, cipher }: Omit<EncryptedKey, 'data'>): Buffer {
  return Buffer.from(canonicalize({ format, public: key, kdf, cipher: { name: cipher.name, nonce: cipher.nonce } }));
}

export function newKey(): KeyObject {
  return generateKeyPairSync('ed25519').privateKey;
}

export async function encryptKey(key: KeyObject, passphrase: string): Promise<EncryptedKey> {
  const kdf = { name: 'scrypt', ...COST, salt: randomBytes(32).toString('hex') } as const;
  const nonce = randomBytes(12);
  const head = { format: 'tuxtape-key/1', public: publicPart(key) as EncryptedKey['public'], kdf } as const;
  const cipher = createCipheriv('aes-256-gcm', await passKey(passphrase, kdf), nonce);
  const named = { name: 'aes-256-gcm', nonce: nonce.toString('hex') } as const;
  cipher.setAAD(authenticated({ ...head, cipher: { ...named, tag: '' } }));
  const data = Buffer.concat([cipher.update(key.export({ type: 'pkcs8', format: 'der' })), cipher.final()]);
  return { ...head, cipher: { ...named, tag: cipher.getAuthTag().toString('hex') }, data: data.toString('hex') };
}

/** Errors: key-invalid. */
export function parseEncryptedKey(text: string, where: string): EncryptedKey {
  try {
    return encryptedSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ArchiveError('key-invalid', 'input', { what: 'this is no encrypted key of TuxTape', where, cause });
  }
}

/** Errors: key-locked. */
export async function decryptKey(file: EncryptedKey, passphrase: string, where: string): Promise<KeyObject> {
  const { kdf, cipher, data } = file;
  try {
    const nonce = Buffer.from(cipher.nonce, 'hex');
    const opener = createDecipheriv('aes-256-gcm', await passKey(passphrase, kdf), nonce, { authTagLength: 16 });
    opener.setAAD(authenticated(file));
    opener.setAuthTag(Buffer.from(cipher.tag, 'hex'));
    const der = Buffer.concat([opener.update(Buffer.from(data, 'hex')), opener.final()]);
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    if (keyIdOf(publicPart(key)) === keyIdOf(file.public)) return key;
  } catch (cause) {
    throw locked(where, cause);
  }
  throw locked(where);
}

function locked(where: string, cause?: unknown): ArchiveError {
  return new ArchiveError('key-locked', 'input', {
    what: 'the passphrase does not open the key, or its file was changed',
    where,
    remedy: 'try again; where the passphrase is lost, the key is, too: replace it with "tuxtape archive root propose"',
    cause,
  });
}

/** What is carried to the ceremony: a public key and nothing else. Errors: key-invalid. */
export function parsePublicKey(text: string, where: string): PublicKey {
  try {
    return publicKeySchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ArchiveError('key-invalid', 'input', {
      what: 'this is no public key of an archive',
      where,
      remedy: 'give the file NAME.pub that "tuxtape archive keys make" wrote',
      cause,
    });
  }
}
