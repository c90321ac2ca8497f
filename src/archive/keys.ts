import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { join } from 'node:path';
import { canonicalize } from '@tufjs/canonical-json';
import { Key, Signature } from '@tufjs/models';
import { exists, makeFolders, readLimited, writeAtomic } from '#host';
import { ArchiveError } from './error.ts';

/** Roles with a key of their own. `modules` signs livepatches; `snapshot` and `timestamp` are the online ones. */
export const keyRoles = ['root', 'targets', 'modules', 'snapshot', 'timestamp'] as const;
export type KeyRole = (typeof keyRoles)[number];

const MAX_KEY_BYTES = 64 << 10;

/** Signs the bytes of one role; the key itself stays inside. */
export interface RoleSigner {
  readonly key: Key;
  sign(data: Buffer): Signature;
}

function pemPath(directory: string, role: KeyRole): string {
  return join(directory, `${role}.pem`);
}

/** Makes a key for each role, each in a file only its owner can read. Errors: archive-exists, when one is there already. */
export async function makeKeys(directory: string): Promise<void> {
  await makeFolders(directory, 0o700);
  for (const role of keyRoles) {
    if (await exists(pemPath(directory, role))) {
      throw new ArchiveError('archive-exists', 'input', {
        what: `there is a key for "${role}" already`,
        where: pemPath(directory, role),
        remedy: 'name an empty folder; keys are never overwritten',
      });
    }
  }
  for (const role of keyRoles) {
    const { privateKey } = generateKeyPairSync('ed25519');
    await writeAtomic(pemPath(directory, role), privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600);
  }
}

/** Reads the key of a role. Errors: key-missing. */
export async function loadSigner(directory: string, role: KeyRole): Promise<RoleSigner> {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(await readLimited(pemPath(directory, role), MAX_KEY_BYTES));
  } catch (error) {
    throw new ArchiveError('key-missing', 'input', {
      what: `the key of role "${role}" cannot be read`,
      where: pemPath(directory, role),
      remedy: 'name the folder that holds the keys of this archive with --keys',
      cause: error,
    });
  }
  const key = publicKeyOf(privateKey);
  return {
    key,
    sign: (data) => new Signature({ keyID: key.keyID, sig: sign(null, data, privateKey).toString('hex') }),
  };
}

/** The key as TUF names it: its id is the sha256 of the canonical JSON of its public part (TUF 1.0, 4.2). */
function publicKeyOf(privateKey: KeyObject): Key {
  const der = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const raw = der.subarray(der.length - 32).toString('hex');
  const parts = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: raw } };
  const keyID = createHash('sha256').update(canonicalize(parts)).digest('hex');
  return new Key({ keyID, keyType: 'ed25519', scheme: 'ed25519', keyVal: { public: raw } });
}
