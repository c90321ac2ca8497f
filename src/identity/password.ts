import { hash, verify } from '@node-rs/argon2';
import { IdentityError } from './error.ts';
import { newSecret } from './secret.ts';

/** ASVS 4.0.3, 2.1.1 and 2.1.2: at least twelve characters, at most 128; any characters, no rules of composition (2.1.9). */
export const MIN_PASSWORD = 12;
export const MAX_PASSWORD = 128;

/** Argon2id (the library's default) with 19 MiB, two passes, one lane: OWASP Password Storage Cheat Sheet, first choice. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** The string to store: algorithm, cost, salt and hash (PHC). Errors: password-refused. */
export async function hashPassword(password: string, name: string): Promise<string> {
  const text = normal(password);
  const length = Array.from(text).length;
  const why =
    length < MIN_PASSWORD
      ? `it has ${length} characters, ${MIN_PASSWORD} are the least`
      : length > MAX_PASSWORD
        ? `it has more than ${MAX_PASSWORD} characters`
        : isGuessable(text, name)
          ? 'it is one character over and over, or little more than the name'
          : null;
  if (why !== null)
    throw new IdentityError('password-refused', 'input', {
      what: `this password is not taken: ${why}`,
      remedy: 'take several words, or let a password manager make one',
    });
  return hash(text, COST);
}

function isGuessable(text: string, name: string): boolean {
  const rest = text.toLowerCase().replaceAll(name, '');
  return new Set(rest).size < 5;
}

let nobody: Promise<string> | undefined;

/**
 * Is it this password? `stored` null: there is nobody of this name, or nobody with a password; as much work is done, so that the
 * time tells nothing.
 */
export async function isPassword(stored: string | null, password: string): Promise<boolean> {
  nobody ??= hash(newSecret(), COST);
  const isRight = await verify(stored ?? (await nobody), normal(password)).catch(() => false);
  return stored !== null && isRight;
}

/** The same characters typed on another keyboard are the same password (NIST SP 800-63B, 5.1.1.2). */
function normal(password: string): string {
  return password.normalize('NFKC');
}
