import { createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { run } from '#host';
import { verifySignature } from '#trust';
import { ArchiveError } from '../error.ts';
import { keyIdOf, type PublicKey, type Signer } from '../metadata.ts';

/** A token may wait for a finger. */
const PROGRAM_TIMEOUT_MS = 180_000;
const MAX_ANSWER_BYTES = 16 << 10;

/** What signs in our place: a program with fixed arguments, which reads the bytes on stdin and answers on stdout. */
export interface SignerProgram {
  readonly program: string;
  readonly args: readonly string[];
  readonly output: 'hex' | 'base64' | 'raw';
}

/** An Ed25519 key as metadata lists it. */
export function publicPart(key: KeyObject): PublicKey {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  const der = half.export({ type: 'spki', format: 'der' });
  return { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: der.subarray(-32).toString('hex') } };
}

export function localSigner(privateKey: KeyObject): Signer {
  const key = publicPart(privateKey);
  return {
    keyid: keyIdOf(key),
    key,
    sign: (data) => Promise.resolve(sign(null, data, privateKey).toString('hex')),
  };
}

/** Its answer is checked with the public key before it is used: a wrong token or PIN is said here, not by the hosts. */
export function programSigner(key: PublicKey, { program, args, output }: SignerProgram, where: string): Signer {
  const failed = (what: string, cause?: unknown): ArchiveError =>
    new ArchiveError('signer-failed', 'toolchain', {
      what: `the program that signs ${what}`,
      where,
      remedy: 'run it by hand with a file on stdin; it must print one signature and nothing else',
      cause,
    });
  return {
    keyid: keyIdOf(key),
    key,
    async sign(data) {
      const options = { input: data, timeoutMs: PROGRAM_TIMEOUT_MS, maxOutput: MAX_ANSWER_BYTES, rawOutput: true };
      const answer = await run(program, args, options).catch((cause: unknown) => {
        throw failed(`failed: ${cause instanceof Error ? cause.message : 'for no known reason'}`, cause);
      });
      const signature = decode(answer.stdout, output);
      if (!verifySignature(key, data, signature)) throw failed('did not answer with a signature of its key');
      return signature;
    },
  };
}

/** `latin1`: one character a byte. */
function decode(latin1: string, output: SignerProgram['output']): string {
  if (output === 'raw') return Buffer.from(latin1, 'latin1').toString('hex');
  const text = latin1.replace(/\s/g, '');
  return output === 'hex' ? text.toLowerCase() : Buffer.from(text, 'base64').toString('hex');
}

/** Any public key in PEM that a client knows, in the form of metadata. Errors: key-invalid. */
export function publicOfPem(pem: string, where: string): PublicKey {
  const bad = (what: string, cause?: unknown): ArchiveError =>
    new ArchiveError('key-invalid', 'input', {
      what,
      where,
      remedy: 'give a public key in PEM: Ed25519, P-256, P-384, or RSA of 2048 bits at least',
      cause,
    });
  if (pem.includes('PRIVATE KEY')) throw bad('this is a private key: it stays where it is');
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (cause) {
    throw bad('this is no public key in PEM', cause);
  }
  if (key.asymmetricKeyType === 'ed25519') return publicPart(key);
  const text = { public: String(key.export({ type: 'spki', format: 'pem' })) };
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const curve = { prime256v1: 'nistp256', secp384r1: 'nistp384' }[String(namedCurve)];
  if (curve !== undefined) return { keytype: 'ecdsa', scheme: `ecdsa-sha2-${curve}`, keyval: text };
  if (key.asymmetricKeyType === 'rsa' && modulusLength >= 2048)
    return { keytype: 'rsa', scheme: 'rsassa-pss-sha256', keyval: text };
  throw bad('hosts do not take keys of this kind');
}

/** Has a program sign something that means nothing. Errors: signer-failed. */
export async function tryProgram(key: PublicKey, program: SignerProgram, where: string): Promise<void> {
  await programSigner(key, program, where).sign(Buffer.concat([Buffer.from('tuxtape: a try\n'), randomBytes(32)]));
}
