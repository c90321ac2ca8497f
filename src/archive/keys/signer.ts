import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { run } from '#host';
import { verifySignature } from '#trust';
import { ArchiveError } from '../error.ts';
import { keyIdOf, type PublicKey } from '../metadata.ts';

/** Signs for one key, wherever that is; the key itself stays there. */
export interface Signer {
  readonly keyid: string;
  readonly key: PublicKey;
  /** Hex. Errors: signer-failed. */
  sign(data: Buffer): Promise<string>;
}

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
  const der = createPublicKey(key).export({ type: 'spki', format: 'der' });
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
