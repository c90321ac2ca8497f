import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import * as z from 'zod';
import {
  type AccountView,
  accountSchema,
  grantsSchema,
  madeTokenSchema,
  newAccountSchema,
  newTokenSchema,
  type TokenView,
  tokenSchema,
} from '#contract';
import { type Grant, holdsRole } from '#domain';
import { hashPassword, newToken, secretHash } from '#identity';
import {
  type Account,
  type ApiToken,
  addAccount,
  addToken,
  type Db,
  disableAccount,
  listAccounts,
  listTokens,
  needAccount,
  revokeToken,
  setGrants,
} from '#store';
import { mayAct } from './caller.ts';
import { ServerError } from './error.ts';
import { needSession } from './session-routes.ts';

const DAY_MS = 86_400_000;
const nameParams = z.object({ name: z.string().max(64) });

interface AccountOptions {
  readonly db: Db;
  readonly now: () => Date;
}

/** Accounts, for administrators. */
export function registerAccountRoutes(server: FastifyInstance, { db, now }: AccountOptions): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  app.get('/api/v1/accounts', { schema: { response: { 200: z.array(accountSchema) } } }, async () =>
    (await listAccounts(db)).map(accountView),
  );
  app.post(
    '/api/v1/accounts',
    { schema: { body: newAccountSchema, response: { 201: accountSchema } } },
    async ({ caller, body }, reply) => {
      const { name, shown = name, subject, grants } = body;
      const password = body.password === null ? null : await hashPassword(body.password, name);
      const made = await addAccount(
        db,
        { name, shown, password, subject, grants },
        { by: caller?.name ?? '', at: now() },
      );
      return reply.code(201).send(accountView(made));
    },
  );
  app.put(
    '/api/v1/accounts/:name/grants',
    { schema: { params: nameParams, body: grantsSchema, response: { 200: accountSchema } } },
    async ({ caller, params, body }) => {
      await setGrants(db, params.name, body, { by: caller?.name ?? '', at: now() });
      return accountView(await needAccount(db, params.name));
    },
  );
  app.post(
    '/api/v1/accounts/:name/disable',
    { schema: { params: nameParams, response: { 200: accountSchema } } },
    async ({ caller, params }) => {
      await disableAccount(db, params.name, { by: caller?.name ?? '', at: now() });
      return accountView(await needAccount(db, params.name));
    },
  );
}

/** The caller's own tokens; an administrator may take back everybody's. */
export function registerTokenRoutes(server: FastifyInstance, { db, now }: AccountOptions): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  app.get('/api/v1/tokens', { schema: { response: { 200: z.array(tokenSchema) } } }, async ({ caller }) =>
    (await listTokens(db, caller?.name ?? '')).map(tokenView),
  );
  app.post(
    '/api/v1/tokens',
    { schema: { body: newTokenSchema, response: { 201: madeTokenSchema } } },
    async ({ caller, body }, reply) => {
      // A token that could make tokens would outlive its own end.
      const { name: account } = needSession(caller);
      const held = caller?.grants ?? [];
      const grants = body.grants ?? held;
      refuseMore(held, grants);
      const secret = newToken();
      const endsAt = new Date(now().getTime() + body.days * DAY_MS);
      const token = { account, name: body.name, grants, hash: secretHash(secret), endsAt };
      const made = await addToken(db, token, { by: account, at: now() });
      return reply.code(201).send({ ...tokenView(made), secret });
    },
  );
  app.delete(
    '/api/v1/tokens/:id',
    { schema: { params: z.object({ id: z.string().max(64) }), response: { 204: z.null() } } },
    async ({ caller, params }, reply) => {
      const isAdmin = caller !== null && mayAct(caller, ['admin'], { kind: 'all' });
      await revokeToken(db, params.id, isAdmin ? null : (caller?.name ?? ''), { by: caller?.name ?? '', at: now() });
      return reply.code(204).send(null);
    },
  );
}

/** Errors: forbidden. */
function refuseMore(held: readonly Grant[], wanted: readonly Grant[]): void {
  if (wanted.length > 0 && wanted.every(({ role, scope }) => holdsRole(held, [role], scope))) return;
  throw new ServerError('forbidden', 'input', { what: 'a token carries no more than its account holds' });
}

export function accountView({ addedAt, disabledAt, ...rest }: Account): AccountView {
  const { name, shown, hasPassword, hasTotp, subject, grants, addedBy } = rest;
  return {
    ...{ name, shown, hasPassword, hasTotp, subject, grants: [...grants], addedBy },
    ...{ addedAt: addedAt.toISOString(), disabledAt: disabledAt?.toISOString() ?? null },
  };
}

function tokenView({ id, account, name, grants, madeBy, madeAt, endsAt, usedAt, revokedAt }: ApiToken): TokenView {
  return {
    ...{ id, account, name, grants: [...grants], madeBy, madeAt: madeAt.toISOString(), endsAt: endsAt.toISOString() },
    ...{ usedAt: usedAt?.toISOString() ?? null, revokedAt: revokedAt?.toISOString() ?? null },
  };
}
