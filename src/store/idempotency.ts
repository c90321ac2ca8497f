import { sql } from 'kysely';
import { StoreError } from './error.ts';
import { storableJson } from './storable.ts';
import { type Db, inTransaction } from './store.ts';

/** How long an answer is kept: who repeats a request later asks for something new. */
const KEPT_MS = 24 * 3_600_000;

export interface OnceKey {
  readonly account: string;
  /** What the caller calls the request. */
  readonly key: string;
  /** Hash of everything the request says. */
  readonly request: string;
}

/**
 * Does something once for a key: the answer is written in the transaction that does it, so that a repetition gets that answer, at
 * whichever server, and two at once do it once. `kept`: the answer without what must not be stored.
 * Errors: those of `body`, which leave the key free; key-reused, when the key came with another request.
 */
export async function onceOnly<T>(
  db: Db,
  { account, key, request }: OnceKey,
  at: Date,
  { body, kept }: { readonly body: (tx: Db) => Promise<T>; readonly kept: (answer: T) => T },
): Promise<T> {
  return inTransaction(db, async (tx) => {
    await tx
      .deleteFrom('idempotency')
      .where('at', '<', new Date(at.getTime() - KEPT_MS))
      .execute();
    const row = { account_id: account, key, request_sha256: request, answer: 'null', at };
    // Waits for whoever has the key, until that one is done or has given up.
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('idempotency')
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (numInsertedOrUpdatedRows !== 1n) return repeated<T>(tx, { account, key, request });
    const answer = await body(tx);
    await sql`
      UPDATE idempotency SET answer = ${storableJson(kept(answer))}::jsonb
      WHERE account_id = ${account} AND key = ${key}`.execute(tx);
    return answer;
  });
}

async function repeated<T>(tx: Db, { account, key, request }: OnceKey): Promise<T> {
  const found = await tx
    .selectFrom('idempotency')
    .select(['request_sha256', 'answer'])
    .where('account_id', '=', account)
    .where('key', '=', key)
    .executeTakeFirstOrThrow();
  if (found.request_sha256 === request) return found.answer as T;
  throw new StoreError('key-reused', 'input', {
    what: 'this Idempotency-Key came with another request before',
    where: key,
    remedy: 'take a new key for each thing to be done',
  });
}
