import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errno, fromErrno, makeFolders, readLimited, sha256, syncFolder } from '#host';
import { LivepatchError } from '../error.ts';

const MAX_KEY_BYTES = 64 << 10;

/** sha256 of the SubjectPublicKeyInfo (RFC 5280, 4.1) in DER, hexadecimal. `key`: either half. */
export function keyIdOf(key: KeyObject): string {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  return sha256(half.export({ type: 'spki', format: 'der' }));
}

export function publicPem(key: KeyObject): string {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  return String(half.export({ type: 'spki', format: 'pem' }));
}

/**
 * Makes an Ed25519 key in a new file that only its owner can read: PKCS #8, encrypted (AES-256-CBC) where there is a passphrase.
 * Errors: key-exists, those of writing.
 */
export async function makeKeyFile(path: string, passphrase: string | null): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const lock = passphrase === null ? {} : { cipher: 'aes-256-cbc', passphrase };
  await writeNew(path, privateKey.export({ type: 'pkcs8', format: 'pem', ...lock }).toString(), 0o600);
  return privateKey;
}

/** Writes a file that must not be there yet. Errors: key-exists, those of writing. */
export async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    await makeFolders(dirname(path));
    const handle = await open(path, 'wx', mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await syncFolder(dirname(path));
  } catch (error) {
    if (errno(error) !== 'EEXIST') throw fromErrno(error, path, 'write the key');
    throw new LivepatchError('key-exists', 'input', {
      what: 'there is a file already; keys are never overwritten',
      where: path,
      remedy: 'choose another name',
    });
  }
}

/** Errors: file-missing, key-invalid, key-exposed (others can read it, and no passphrase guards it), key-locked (a passphrase is wanted, or another one). */
export async function readPrivateKey(path: string, passphrase: string | null = null): Promise<KeyObject> {
  const pem = await readLimited(path, MAX_KEY_BYTES);
  const isLocked = pem.includes('ENCRYPTED PRIVATE KEY');
  try {
    const key = createPrivateKey({ key: pem, ...(passphrase === null ? {} : { passphrase }) });
    if (key.asymmetricKeyType === 'ed25519') {
      if (!isLocked) await refuseExposed(path);
      return key;
    }
  } catch (cause) {
    if (cause instanceof LivepatchError) throw cause;
    if (isLocked)
      throw new LivepatchError('key-locked', 'input', {
        what: passphrase === null ? 'the key is encrypted' : 'the passphrase does not open the key',
        where: path,
        remedy: 'give the file that holds its passphrase with --passphrase-file',
        cause,
      });
    throw notAKey(path, 'private', cause);
  }
  throw notAKey(path, 'private');
}

async function refuseExposed(path: string): Promise<void> {
  if (((await stat(path)).mode & 0o077) === 0) return;
  throw new LivepatchError('key-exposed', 'input', {
    what: 'others on this machine can read this key, and no passphrase guards it',
    where: path,
    remedy: 'take it as known to others: make a new one, and have the old one removed; keep the new one at mode 0600',
  });
}

/** A public Ed25519 key in PEM; a private one is refused, for it does not belong here. Errors: key-invalid. */
export function parsePublicKey(pem: string | Buffer, where: string): KeyObject {
  if (pem.includes('PRIVATE KEY'))
    throw new LivepatchError('key-invalid', 'input', {
      what: 'this is a private key: it stays with its owner, and is not given to anybody',
      where,
      remedy: 'give the public half (NAME.pub.pem)',
    });
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch (cause) {
    throw notAKey(where, 'public', cause);
  }
  throw notAKey(where, 'public');
}

export async function readPublicKey(path: string): Promise<KeyObject> {
  return parsePublicKey(await readLimited(path, MAX_KEY_BYTES), path);
}

function notAKey(where: string, half: string, cause?: unknown): LivepatchError {
  return new LivepatchError('key-invalid', 'input', {
    what: `this is no ${half} Ed25519 key in PEM`,
    where,
    remedy: 'make one with "tuxtape reviewer make NAME --key FILE"',
    cause,
  });
}
