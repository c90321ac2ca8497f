import type { Grant, Role } from '#domain';
import { csrfWord, newSecret, newToken, secretHash } from '#identity';
import { type Account, addAccount, addToken, beginSession, type Store } from '#store';

export const everywhere = (role: Role): Grant => ({ role, scope: { kind: 'all' } });

let made = 0;

/** An account with these grants, and no password. */
export async function newAccount(
  store: Store,
  grants: readonly Grant[],
  name = `user${(made += 1)}`,
): Promise<Account> {
  return addAccount(store.db, { name, password: null, subject: null, grants }, { by: 'test', at: new Date() });
}

/** Headers of a browser in a new session of this account, with the word of the session. */
export async function sessionHeaders(store: Store, account: Account, at = new Date()): Promise<Record<string, string>> {
  const secret = newSecret();
  await beginSession(store.db, { account, idHash: secretHash(secret), before: null, how: 'test' }, at);
  return { host: '127.0.0.1', cookie: `tuxtape=${secret}`, 'x-csrf-token': csrfWord(secret) };
}

/** Headers of a program with a token that carries these grants. */
export async function tokenHeaders(
  store: Store,
  { name }: Account,
  grants: readonly Grant[],
  endsAt = new Date(Date.now() + 3_600_000),
): Promise<Record<string, string>> {
  const secret = newToken();
  const token = { account: name, name: 'test', grants, hash: secretHash(secret), endsAt };
  await addToken(store.db, token, { by: 'test', at: new Date() });
  return { host: '127.0.0.1', authorization: `Bearer ${secret}` };
}
