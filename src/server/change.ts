import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { actVia, type By, type Db, inTransaction, onceOnly } from '#store';
import type { Caller } from './caller.ts';
import { ServerError } from './error.ts';

/** `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header), without its quotes. */
const KEY = /^"?[\w.:-]{8,200}"?$/;

export interface ChangeOptions {
  readonly db: Db;
  readonly now: () => Date;
}

/**
 * Does what a request asks for, in one transaction, whose audit entries name the caller and how it came in. With an
 * `Idempotency-Key` it is done once. `kept`: the answer a repetition gets, where it is not the whole of it.
 * Errors: login-needed, key-invalid, key-reused, those of `body`.
 */
export async function change<T>(
  { caller, headers, method, url, body: said }: FastifyRequest,
  { db, now }: ChangeOptions,
  body: (tx: Db, by: By) => Promise<T>,
  kept: (answer: T) => T = (answer) => answer,
): Promise<T> {
  if (caller === null || caller.account === null)
    throw new ServerError('login-needed', 'input', { what: 'what changes something needs an account or a token' });
  const at = now();
  const act = async (tx: Db): Promise<T> => {
    await actVia(tx, viaOf(caller));
    return body(tx, { by: caller.name, at });
  };
  const key = headers['idempotency-key'];
  if (key === undefined) return inTransaction(db, act);
  if (typeof key !== 'string' || !KEY.test(key))
    throw new ServerError('key-invalid', 'input', {
      what: 'an Idempotency-Key has 8 to 200 letters, digits, "-", "_", "." or ":"',
    });
  const request = createHash('sha256')
    .update(JSON.stringify([method, url, said ?? null], withoutSecrets))
    .digest('hex');
  return onceOnly(db, { account: caller.account, key, request }, at, { body: act, kept });
}

const SECRET_FIELDS: ReadonlySet<string> = new Set(['password', 'old', 'new', 'code']);

/** A fast hash of a request with a password in it would let the password be guessed from the store. */
function withoutSecrets(name: string, value: unknown): unknown {
  return SECRET_FIELDS.has(name) ? undefined : value;
}

export function viaOf({ as, token }: Caller): string {
  return token === null ? as : `token ${token}`;
}
