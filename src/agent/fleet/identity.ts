import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { join } from 'node:path';
import { hasCode, messageOf, signedRequestText } from '#domain';
import { type PostAnswer, postBytes, readLimited, writeAtomic } from '#host';
import { AgentError } from '../error.ts';

const MAX_BYTES = 64 << 10;
const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** A poll does not wait longer for a server than for anything else of no use to the kernel. */
const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 << 10;

/** Where this host checks in, and as whom: `CONFIG/host.json`, beside its key in `CONFIG/host.key`. */
export interface HostIdentity {
  readonly server: string;
  readonly id: string;
  readonly group: string;
}

/** A host that has an identity, and can sign. */
export interface Signer {
  readonly identity: HostIdentity;
  readonly key: KeyObject;
  /** Authorities of the server's certificate; null: those of the system. */
  readonly ca: Buffer | null;
}

/** Null: this host checks in nowhere. Errors: settings-invalid. */
export async function readSigner(folder: string): Promise<Signer | null> {
  const path = join(folder, 'host.json');
  const text = await optional(path);
  if (text === null) return null;
  try {
    const identity = parseIdentity(JSON.parse(text.toString('utf8')));
    const key = createPrivateKey(await readLimited(join(folder, 'host.key'), MAX_BYTES));
    return { identity, key, ca: await optional(join(folder, 'server-ca.pem')) };
  } catch (cause) {
    throw new AgentError('settings-invalid', 'input', {
      what: `the identity of this host cannot be used: ${messageOf(cause)}`,
      where: path,
      remedy: 'run "tuxtape-agent setup" with --server and a new --token',
      cause,
    });
  }
}

/** Errors: a TypeError. */
export function parseIdentity(value: unknown): HostIdentity {
  const { server, id, group } = value as Partial<Record<keyof HostIdentity, unknown>>;
  if (typeof server !== 'string' || typeof id !== 'string' || typeof group !== 'string' || !ID.test(id))
    throw new TypeError('it is no identity of a host');
  return { server, id, group };
}

/** The key of this host; made, and on the disk, before anybody is told of it. */
export async function hostKey(folder: string): Promise<KeyObject> {
  const path = join(folder, 'host.key');
  const kept = await optional(path);
  if (kept !== null) return createPrivateKey(kept);
  const { privateKey } = generateKeyPairSync('ed25519');
  await writeAtomic(path, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600);
  return privateKey;
}

/** Raw public half, base64url. */
export function publicHalf(key: KeyObject): string {
  return createPublicKey(key).export({ format: 'jwk' }).x!;
}

/** Sends a request that only this host can have made. `id`: `-` where it has none yet. Errors: those of `postBytes`. */
export async function postSigned(
  {
    server,
    id,
    key,
    ca,
  }: { readonly server: string; readonly id: string; readonly key: KeyObject; readonly ca: Buffer | null },
  path: string,
  value: unknown,
): Promise<PostAnswer> {
  const body = Buffer.from(JSON.stringify(value));
  const hash = createHash('sha256').update(body).digest('hex');
  const signature = sign(null, Buffer.from(signedRequestText(path, id, hash)), key);
  const authorization = `TuxTape-Host ${id} ${signature.toString('base64url')}`;
  return postBytes(`${server}${path}`, body, { authorization, timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES, ca });
}

async function optional(path: string): Promise<Buffer | null> {
  try {
    return await readLimited(path, MAX_BYTES);
  } catch (error) {
    if (hasCode(error, 'file-missing')) return null;
    throw error;
  }
}
