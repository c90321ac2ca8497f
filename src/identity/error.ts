import { StageError } from '#domain';

export type IdentityCode = 'password-refused' | 'token-malformed' | 'totp-secret-invalid';

export class IdentityError extends StageError<IdentityCode> {}
