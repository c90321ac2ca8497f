import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import * as z from 'zod';
import { loginSchema, newPasswordSchema, type Session, sessionSchema } from '#contract';
import { csrfWord, hashPassword, isPassword, isSecret, matchTotp, newSecret, secretHash, waitAfter } from '#identity';
import {
  type Account,
  accountById,
  actVia,
  beginLogin,
  beginSession,
  clearFailures,
  type Db,
  endSession,
  inTransaction,
  passwordOf,
  setPassword,
  useTotpStep,
} from '#store';
import type { Caller } from './caller.ts';
import { change } from './change.ts';
import { ServerError } from './error.ts';

const LOGINS_PER_MINUTE = 10;

export interface SessionOptions {
  readonly db: Db;
  readonly cookie: string;
  /** Can one log in at a provider? */
  readonly oidc: boolean;
  readonly now: () => Date;
}

/** Login, logout, the caller's own password. */
export function registerSessionRoutes(server: FastifyInstance, options: SessionOptions): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const { db, cookie, oidc, now } = options;
  const limited = { rateLimit: { max: LOGINS_PER_MINUTE, timeWindow: '1 minute' } };
  app.get('/api/v1/session', { schema: { response: { 200: sessionSchema } } }, ({ caller }) => view(caller, oidc));
  app.post(
    '/api/v1/session',
    { config: limited, schema: { body: loginSchema, response: { 200: sessionSchema } } },
    async ({ body, cookies }, reply) => {
      const account = await checkLogin(db, body, now());
      const session = await startSession(reply, options, { account, before: cookies[cookie], how: 'password' });
      const { name, id, grants } = account;
      return view({ as: 'session', name, account: id, grants, carried: null, session, token: null }, oidc);
    },
  );
  app.delete('/api/v1/session', { schema: { response: { 204: z.null() } } }, async (request, reply) => {
    const session = request.caller?.session;
    if (session) await change(request, options, (tx, { by, at }) => endSession(tx, session.idHash, by, at));
    return reply.clearCookie(cookie, { path: '/' }).code(204).send(null);
  });
  app.put(
    '/api/v1/session/password',
    { config: limited, schema: { body: newPasswordSchema, response: { 204: z.null() } } },
    async (request, reply) => {
      const { body } = request;
      const { name, account, session } = needSession(request.caller);
      if (!(await isPassword(await passwordOf(db, account), body.old))) throw loginFailed();
      const password = await hashPassword(body.new, name);
      await change(request, options, (tx, by) => setPassword(tx, name, { password, keep: session.idHash }, by));
      return reply.code(204).send(null);
    },
  );
}

/** A new session under a new id, whatever id the browser came with; the old one is over. */
export async function startSession(
  reply: FastifyReply,
  { db, cookie, now }: SessionOptions,
  { account, before, how }: { account: Account; before: string | undefined; how: string },
): Promise<NonNullable<Caller['session']>> {
  const secret = newSecret();
  const idHash = secretHash(secret);
  const old = before !== undefined && isSecret(before) ? secretHash(before) : null;
  await inTransaction(db, async (tx) => {
    await actVia(tx, 'session');
    await beginSession(tx, { account, idHash, before: old, how }, now());
  });
  reply.setCookie(cookie, secret, { path: '/', httpOnly: true, secure: true, sameSite: 'strict' });
  return { secret, idHash };
}

/** Errors: login-failed, in the same words whatever was wrong; code-needed, once the password was right; too-many. */
async function checkLogin(db: Db, { name, password, code }: z.infer<typeof loginSchema>, at: Date): Promise<Account> {
  const found = await beginLogin(db, name, waitAfter, at);
  if (found !== null && 'wait' in found)
    throw new ServerError('too-many', 'input', { what: `too many wrong passwords: wait ${found.wait} seconds` });
  const isRight = await isPassword(found?.password ?? null, password);
  if (found === null || !isRight || found.disabled) throw loginFailed();
  if (found.totpSecret !== null) {
    if (code === undefined)
      throw new ServerError('code-needed', 'input', { what: 'the code of this account is wanted, too' });
    const step = matchTotp(found.totpSecret, code, at, found.totpStep);
    if (step === null || !(await useTotpStep(db, found.id, step))) throw loginFailed();
  }
  await clearFailures(db, found.id);
  return (await accountById(db, found.id))!;
}

function loginFailed(): ServerError {
  return new ServerError('login-failed', 'input', { what: 'name, password or code are not right' });
}

/** A person in a browser, not a token: what makes or changes credentials. Errors: forbidden. */
export function needSession(caller: Caller | null): {
  readonly name: string;
  readonly account: string;
  readonly session: NonNullable<Caller['session']>;
} {
  if (caller?.session && caller.account !== null)
    return { name: caller.name, account: caller.account, session: caller.session };
  throw new ServerError('forbidden', 'input', { what: 'this needs a login; a token is not enough' });
}

function view(caller: Caller | null, oidc: boolean): Session {
  const csrf = caller?.session ? csrfWord(caller.session.secret) : null;
  return {
    ...{ as: caller?.as ?? 'nobody', name: caller?.name ?? null, csrf, oidc },
    grants: [...(caller?.carried ?? caller?.grants ?? [])],
  };
}
