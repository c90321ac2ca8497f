import { StageError } from '#domain';

export interface Answer {
  readonly status: number;
  readonly code: string;
  readonly title: string;
}

/** Codes of stages that a caller can do something about, with their status. Every other one is our own trouble: 500, in no words. */
const STATUS: Readonly<Record<string, number>> = {
  'not-found': 404,
  'host-refused': 421,
  unauthorized: 401,
  'cursor-invalid': 400,
  'key-invalid': 400,
  'login-needed': 401,
  'login-failed': 401,
  'code-needed': 401,
  forbidden: 403,
  'csrf-refused': 403,
  'too-many': 429,
  'already-there': 409,
  'edit-outdated': 409,
  'kernel-in-use': 409,
  'account-missing': 403,
  'provider-unreachable': 502,
  'not-ready': 503,
  'database-lost': 503,
  'key-reused': 422,
  'decision-invalid': 422,
  'password-refused': 422,
  'module-refused': 422,
};

/** What the caller is told of an error (RFC 9457). */
export function problemOf(error: unknown): Answer {
  if (error instanceof StageError) {
    const code = String(error.code);
    const status = STATUS[code] ?? 500;
    return { status, code, title: status >= 500 ? 'the server could not answer' : error.message };
  }
  const status =
    error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500;
  if (status >= 500) return { status: 500, code: 'internal', title: 'the server could not answer' };
  const code = status === 413 ? 'too-large' : status === 415 ? 'type-refused' : 'bad-request';
  return { status, code, title: error instanceof Error ? error.message.slice(0, 300) : 'bad request' };
}
