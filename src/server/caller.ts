import type { FastifyRequest } from 'fastify';
import { type Grant, holdsRole, type Role, type Target } from '#domain';
import { isSecret, isToken, secretHash } from '#identity';
import { type Db, hasAccounts, sessionAccount, tokenAccount } from '#store';
import { ServerError } from './error.ts';

/** Who makes a request. */
export interface Caller {
  readonly as: 'local' | 'session' | 'token';
  /** Name in the audit log. */
  readonly name: string;
  /** Null: a visitor of the loopback address. */
  readonly account: string | null;
  readonly grants: readonly Grant[];
  /** What a token carries of its account's grants; null: it is no token. */
  readonly carried: readonly Grant[] | null;
  /** The secret of the session, and its hash in the store. */
  readonly session: { readonly secret: string; readonly idHash: string } | null;
  /** The token's id. */
  readonly token: string | null;
}

const LOCAL: Caller = {
  as: 'local',
  name: 'local',
  account: null,
  grants: [{ role: 'viewer', scope: { kind: 'all' } }],
  carried: null,
  session: null,
  token: null,
};

/** How a server knows who calls. `local`: whoever reaches it sees everything, as long as there are no accounts. */
export interface CallerOptions {
  readonly db: Db;
  readonly cookie: string;
  readonly local: boolean;
}

/**
 * Who makes this request; null: nobody we know. A token that is wrong is an error, never a visitor. A request with a token is never
 * a session's: a cookie beside it is not looked at.
 */
export async function callerOf(request: FastifyRequest, options: CallerOptions, now: Date): Promise<Caller | null> {
  const { db, cookie, local } = options;
  const { authorization } = request.headers;
  if (authorization !== undefined) return tokenCaller(db, authorization, now);
  const secret = request.cookies[cookie];
  if (secret !== undefined && isSecret(secret)) {
    const idHash = secretHash(secret);
    const account = await sessionAccount(db, idHash, now);
    if (account !== undefined) {
      const { name, id, grants } = account;
      return { as: 'session', name, account: id, grants, carried: null, session: { secret, idHash }, token: null };
    }
  }
  // Behind a proxy everybody comes from the loopback address: a forwarded request is no local visitor.
  const isForwarded = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].some((name) => name in request.headers);
  return local && !isForwarded && !(await hasAccounts(db)) ? LOCAL : null;
}

async function tokenCaller(db: Db, authorization: string, now: Date): Promise<Caller> {
  const [, word = ''] = /^bearer +(\S+)$/i.exec(authorization) ?? [];
  const found = isToken(word) ? await tokenAccount(db, secretHash(word), now) : undefined;
  if (found === undefined)
    throw new ServerError('login-needed', 'input', {
      what: 'this token is not known, is over, or was taken back',
      remedy: '"tuxtape token list" lists those that are in force',
    });
  const { account, grants: carried, id: token } = found;
  const { name, grants } = account;
  return { as: 'token', name, account: account.id, grants, carried, session: null, token };
}

/** May this caller act in one of these roles on the target? A token needs it twice: by its account, and by what it carries. */
export function mayAct({ grants, carried }: Caller, wanted: readonly Role[], target: Target): boolean {
  return wanted.some(
    (role) => holdsRole(grants, [role], target) && (carried === null || holdsRole(carried, [role], target)),
  );
}
