import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const SECRET_BYTES = 32;
const TOKEN = /^ttx_[A-Za-z0-9_-]{43}$/;
const SECRET = /^[A-Za-z0-9_-]{43}$/;

/** 256 random bits as base64url: session ids, states, nonces. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** An API token: a secret behind four letters by which scanners of repositories find one that was published. */
export function newToken(): string {
  return `ttx_${newSecret()}`;
}

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

export function isSecret(text: string): boolean {
  return SECRET.test(text);
}

/** What is stored of a secret: SHA-256, hexadecimal. Enough for 256 random bits; passwords take argon2id. */
export function secretHash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** The word that goes with a session's requests that change something; derived, so that nothing of it is stored. */
export function csrfWord(session: string): string {
  return createHmac('sha256', session).update('tuxtape csrf v1').digest('base64url');
}

/** Equality in a time that says nothing of where two words differ. */
export function sameWord(a: string, b: string): boolean {
  const [left, right] = [createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest()];
  return timingSafeEqual(left, right);
}
