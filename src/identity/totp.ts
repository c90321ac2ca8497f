import { createHmac, randomBytes } from 'node:crypto';
import { IdentityError } from './error.ts';
import { sameWord } from './secret.ts';

/** Seconds of a step, RFC 6238 section 4.1. */
const STEP_SECONDS = 30;
/** One step before and after: network delay and clocks, RFC 6238 section 5.2. */
const DRIFT_STEPS = 1;
const DIGITS = 6;
/** 160 bits, as long as the hash: RFC 4226 section 4, R6. */
const SECRET_BYTES = 20;
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

export type TotpHash = 'sha1' | 'sha256' | 'sha512';

export function newTotpSecret(): Uint8Array {
  return randomBytes(SECRET_BYTES);
}

/** The code of one counter value: RFC 4226 section 5.3, with the hash RFC 6238 allows for. */
export function hotp(secret: Uint8Array, counter: number, digits = DIGITS, hash: TotpHash = 'sha1'): string {
  const message = Buffer.alloc(8);
  message.writeBigUInt64BE(BigInt(counter));
  const mac = createHmac(hash, secret).update(message).digest();
  const value = mac.readUInt32BE(mac[mac.length - 1]! & 0xf) & 0x7f_ff_ff_ff;
  return String(value % 10 ** digits).padStart(digits, '0');
}

/** The step of a time. */
export function totpStep(at: Date): number {
  return Math.floor(at.getTime() / 1000 / STEP_SECONDS);
}

/**
 * The step whose code this is, at `at`; null: none. A step that is not later than `last`, the newest that was used, counts no
 * more: a code is good for one login (RFC 6238 section 5.2).
 */
export function matchTotp(secret: Uint8Array, code: string, at: Date, last: number | null): number | null {
  const now = totpStep(at);
  let found: number | null = null;
  for (let step = now - DRIFT_STEPS; step <= now + DRIFT_STEPS; step += 1)
    if (step >= 0 && sameWord(hotp(secret, step), code) && (last === null || step > last)) found ??= step;
  return found;
}

/** RFC 4648 section 6, without padding. */
export function toBase32(bytes: Uint8Array): string {
  let [text, value, bits] = ['', 0, 0];
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xff_ff;
    for (bits += 8; bits >= 5; bits -= 5) text += BASE32[(value >> (bits - 5)) & 31];
  }
  return bits === 0 ? text : text + BASE32[(value << (5 - bits)) & 31];
}

/** Errors: totp-secret-invalid. */
export function fromBase32(text: string): Uint8Array {
  const bytes: number[] = [];
  let [value, bits] = [0, 0];
  for (const letter of text.replace(/=+$/, '')) {
    const digit = BASE32.indexOf(letter);
    if (digit < 0) throw new IdentityError('totp-secret-invalid', 'input', { what: 'this is not base32' });
    value = ((value << 5) | digit) & 0xf_ff;
    bits += 5;
    if (bits >= 8) bytes.push((value >> (bits -= 8)) & 0xff);
  }
  return Uint8Array.from(bytes);
}

/** The address that programs for codes read, as text or as a picture (the "Key Uri Format" of Google Authenticator). */
export function totpUri(secret: Uint8Array, name: string): string {
  return `otpauth://totp/TuxTape:${encodeURIComponent(name)}?secret=${toBase32(secret)}&issuer=TuxTape`;
}
