export { type IdentityCode, IdentityError } from './error.ts';
export { hashPassword, isPassword, MAX_PASSWORD, MIN_PASSWORD } from './password.ts';
export { csrfWord, isSecret, isToken, newSecret, newToken, sameWord, secretHash } from './secret.ts';
export { waitAfter } from './throttle.ts';
export { fromBase32, hotp, matchTotp, newTotpSecret, type TotpHash, toBase32, totpStep, totpUri } from './totp.ts';
