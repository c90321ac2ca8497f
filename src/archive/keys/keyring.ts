import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { exists, makeFolders, readLimited, writeAtomic } from '#host';
import { ArchiveError } from '../error.ts';
import { keyIdOf, type PublicKey, type RoleKeys, type Signer } from '../metadata.ts';
import { decryptKey, encryptKey, newKey, parseEncryptedKey, publicKeySchema } from './key-file.ts';
import { localSigner, programSigner, publicOfPem, type SignerProgram, tryProgram } from './signer.ts';

const MAX_KEY_BYTES = 64 << 10;
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const KINDS = { '.pem': 'plain', '.key': 'encrypted', '.signer.json': 'external' } as const;

/** Asked for the passphrase of a key when it is to sign; null: there is none to be had. */
export type Passphrase = (name: string, file: string) => Promise<string | null>;
export const noPassphrase: Passphrase = () => Promise.resolve(null);

/** A key in a folder. Its public part is known without a passphrase. */
export interface HeldKey {
  readonly name: string;
  readonly file: string;
  readonly kind: 'plain' | 'encrypted' | 'external';
  readonly keyid: string;
  readonly key: PublicKey;
  /** Errors: key-locked. */
  open(passphrase: Passphrase): Promise<Signer>;
}

const programSchema = z.strictObject({
  program: z.string().startsWith('/').max(4_096),
  args: z.array(z.string().max(4_096)).max(64),
  output: z.enum(['hex', 'base64', 'raw']),
  public: publicKeySchema,
});

/** The keys in these folders, by name. Errors: key-missing (no such folder), key-invalid, key-exposed. */
export async function readKeys(directories: readonly string[]): Promise<HeldKey[]> {
  const found: HeldKey[] = [];
  for (const directory of directories) {
    const names = await readdir(directory).catch((cause: unknown) => {
      throw new ArchiveError('key-missing', 'input', {
        what: 'the folder of keys cannot be read',
        where: directory,
        remedy: 'name the folder that holds the keys of this archive with --keys',
        cause,
      });
    });
    for (const name of names.toSorted()) {
      const ending = (Object.keys(KINDS) as (keyof typeof KINDS)[]).find((one) => name.endsWith(one));
      if (ending !== undefined && !name.startsWith('.')) found.push(await readKey(directory, name, ending));
    }
  }
  return found;
}

async function readKey(directory: string, fileName: string, ending: keyof typeof KINDS): Promise<HeldKey> {
  const file = join(directory, fileName);
  const name = fileName.slice(0, -ending.length);
  const kind = KINDS[ending];
  const text = (await readLimited(file, MAX_KEY_BYTES)).toString('utf8');
  if (kind === 'encrypted') {
    const encrypted = parseEncryptedKey(text, file);
    const open = async (passphrase: Passphrase): Promise<Signer> => {
      const word = await passphrase(name, file);
      if (word !== null) return localSigner(await decryptKey(encrypted, word, file));
      throw new ArchiveError('key-locked', 'input', {
        what: `the key "${name}" is encrypted, and there is no passphrase`,
        where: file,
        remedy: 'give it with --passphrase-file, or run the command on a terminal',
      });
    };
    return { name, file, kind, keyid: keyIdOf(encrypted.public), key: encrypted.public, open };
  }
  if (kind === 'external') {
    const { public: key, ...program } = parseProgram(text, file);
    return {
      name,
      file,
      kind,
      keyid: keyIdOf(key),
      key,
      open: () => Promise.resolve(programSigner(key, program, file)),
    };
  }
  const signer = localSigner(await plainKey(text, file));
  return { name, file, kind, keyid: signer.keyid, key: signer.key, open: () => Promise.resolve(signer) };
}

function parseProgram(text: string, where: string): z.infer<typeof programSchema> {
  try {
    return programSchema.parse(JSON.parse(text));
  } catch (cause) {
    const what = 'this does not describe a program that signs';
    throw new ArchiveError('key-invalid', 'input', {
      what,
      where,
      remedy: 'docs/operations/key-ceremony.md has the form',
      cause,
    });
  }
}

async function plainKey(text: string, file: string): Promise<KeyObject> {
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch (cause) {
    throw new ArchiveError('key-invalid', 'input', { what: 'this is no private key in PEM', where: file, cause });
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw new ArchiveError('key-invalid', 'input', {
      what: `this is a key of kind ${key.asymmetricKeyType}, and Ed25519 is wanted`,
      where: file,
      remedy: 'use it through a program that signs, if it has to be this one',
    });
  if (((await stat(file)).mode & 0o077) !== 0)
    throw new ArchiveError('key-exposed', 'input', {
      what: 'others on this machine can read this key, and no passphrase guards it',
      where: file,
      remedy: 'take it as known to others and replace it; keep the new one at mode 0600, or encrypted',
    });
  return key;
}

/** Errors: name-invalid. */
function requireName(name: string): void {
  if (NAME.test(name)) return;
  throw new ArchiveError('name-invalid', 'input', {
    what: 'this can be no name of a key',
    where: name.slice(0, 80),
    remedy: 'take lower-case letters, digits, ".", "_" and "-", at most 64',
  });
}

/** Writes down a program that signs for a key, after it has signed once. Errors: name-invalid, key-exists, key-invalid, signer-failed. */
export async function addProgram(
  directory: string,
  name: string,
  given: SignerProgram & { readonly publicPem: string },
): Promise<HeldKey> {
  requireName(name);
  await makeFolders(directory, 0o700);
  await requireNew(directory, name);
  const { publicPem, ...program } = given;
  const file = join(directory, `${name}.signer.json`);
  const key = publicOfPem(publicPem, name);
  const text = `${JSON.stringify({ ...program, public: key }, null, 1)}\n`;
  parseProgram(text, file);
  await tryProgram(key, program, file);
  await writeAtomic(file, text, 0o600);
  return publish(directory, name);
}

/** Makes a key in a new file, encrypted where there is a passphrase, and `NAME.pub` beside it. Errors: name-invalid, key-exists. */
export async function makeKey(directory: string, name: string, passphrase: string | null): Promise<HeldKey> {
  requireName(name);
  await makeFolders(directory, 0o700);
  await requireNew(directory, name);
  await writeKey(directory, name, newKey(), passphrase);
  return publish(directory, name);
}

/** Writes `NAME.pub`, which is carried to the ceremony. */
async function publish(directory: string, name: string): Promise<HeldKey> {
  const held = (await readKeys([directory])).find((one) => one.name === name)!;
  await writeAtomic(join(directory, `${name}.pub`), `${JSON.stringify(held.key)}\n`);
  return held;
}

/** Errors: key-exists. */
export async function requireNew(directory: string, name: string): Promise<void> {
  for (const ending of Object.keys(KINDS)) {
    const file = join(directory, `${name}${ending}`);
    if (await exists(file))
      throw new ArchiveError('key-exists', 'input', {
        what: `there is a key "${name}" already`,
        where: file,
        remedy: 'take another name or folder; keys are never overwritten',
      });
  }
}

async function writeKey(directory: string, name: string, key: KeyObject, passphrase: string | null): Promise<string> {
  const file = join(directory, `${name}${passphrase === null ? '.pem' : '.key'}`);
  const content =
    passphrase === null
      ? key.export({ type: 'pkcs8', format: 'pem' })
      : `${JSON.stringify(await encryptKey(key, passphrase), null, 1)}\n`;
  await writeAtomic(file, content, 0o600);
  return file;
}

/**
 * Puts a key under a (new) passphrase. The new file is opened once before the old one goes. Errors: key-missing, key-locked,
 * key-invalid (a key that is not in this folder).
 */
export async function encryptHeld(
  directory: string,
  name: string,
  { old, next }: { readonly old: string | null; readonly next: string },
): Promise<HeldKey> {
  const held = (await readKeys([directory])).find((one) => one.name === name);
  if (held === undefined || held.kind === 'external')
    throw new ArchiveError('key-missing', 'input', { what: `there is no key "${name}" to encrypt`, where: directory });
  const text = (await readLimited(held.file, MAX_KEY_BYTES)).toString('utf8');
  const key =
    held.kind === 'plain'
      ? createPrivateKey(text)
      : await decryptKey(parseEncryptedKey(text, held.file), old ?? '', held.file);
  const file = await writeKey(directory, name, key, next);
  const written = parseEncryptedKey((await readLimited(file, MAX_KEY_BYTES)).toString('utf8'), file);
  await decryptKey(written, next, file);
  if (file !== held.file) await rm(held.file);
  return (await readKeys([directory])).find((one) => one.name === name)!;
}

/** Those of the keys that may sign for any of these roles, opened. */
export async function openHeld(
  held: readonly HeldKey[],
  roles: readonly RoleKeys[],
  passphrase: Passphrase,
): Promise<Signer[]> {
  const wanted = new Set(roles.flatMap(({ keyids }) => keyids));
  const mine = held.filter(({ keyid }, at) => wanted.has(keyid) && held.findIndex((one) => one.keyid === keyid) === at);
  return Promise.all(mine.map((one) => one.open(passphrase)));
}

/** Exactly as many signers as the role needs. Errors: key-mismatch (keys, but none of this role), key-missing (too few), key-locked. */
export async function openRole(
  held: readonly HeldKey[],
  role: string,
  keys: RoleKeys,
  passphrase: Passphrase,
): Promise<Signer[]> {
  const mine = [
    ...new Map(held.filter(({ keyid }) => keys.keyids.includes(keyid)).map((one) => [one.keyid, one])).values(),
  ];
  if (mine.length >= keys.threshold)
    return Promise.all(mine.slice(0, keys.threshold).map((one) => one.open(passphrase)));
  throw new ArchiveError(mine.length === 0 && held.length > 0 ? 'key-mismatch' : 'key-missing', 'input', {
    what: `role "${role}" needs ${keys.threshold} of its keys, and ${mine.length === 0 ? 'none' : `only ${mine.length}`} of them is in the folders of keys`,
    remedy:
      keys.threshold > 1
        ? 'name all folders with --keys, or let the holders sign in turn: write the change to a file with --propose'
        : 'name the folder that holds its key with --keys',
  });
}
