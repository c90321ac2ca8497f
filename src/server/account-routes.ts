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
  disableAccount,
  listAccounts,
  listTokens,
  needAccount,
  revokeToken,
  setGrants,
} from '#store';
import { mayAct } from './caller.ts';
import { type ChangeOptions, change } from './change.ts';
import { ServerError } from './error.ts';
import { needSession } from './session-routes.ts';

const DAY_MS = 86_400_000;
const nameParams = z.object({ name: z.string().max(64) });

/** Accounts, for administrators. */
export function registerAccountRoutes(server: FastifyInstance, options: ChangeOptions): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const { db } = options;
  app.get('/api/v1/accounts', { schema: { response: { 200: z.array(accountSchema) } } }, async () =>
    (await listAccounts(db)).map(accountView),
  );
  app.post(
    '/api/v1/accounts',
    { schema: { body: newAccountSchema, response: { 201: accountSchema } } },
    async (request, reply) => {
      const { name, shown = name, subject, grants, password: given } = request.body;
      const password = given === null ? null : await hashPassword(given, name);
      const made = await change(request, options, async (tx, by) =>
        accountView(await addAccount(tx, { name, shown, password, subject, grants }, by)),
      );
      return reply.code(201).send(made);
    },
  );
  app.put(
    '/api/v1/accounts/:name/grants',
    { schema: { params: nameParams, body: grantsSchema, response: { 200: accountSchema } } },
    (request) =>
      change(request, options, async (tx, by) => {
        await setGrants(tx, request.params.name, request.body, by);
        return accountView(await needAccount(tx, request.params.name));
      }),
  );
  app.post(
    '/api/v1/accounts/:name/disable',
    { schema: { params: nameParams, response: { 200: accountSchema } } },
    (request) =>
      change(request, options, async (tx, by) => {
        await disableAccount(tx, request.params.name, by);
        return accountView(await needAccount(tx, request.params.name));
      }),
  );
}

/** The caller's own tokens; an administrator may take back everybody's. */
export function registerTokenRoutes(server: FastifyInstance, options: ChangeOptions): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const { db, now } = options;
  app.get('/api/v1/tokens', { schema: { response: { 200: z.array(tokenSchema) } } }, async ({ caller }) =>
    (await listTokens(db, caller?.name ?? '')).map(tokenView),
  );
  app.post(
    '/api/v1/tokens',
    { schema: { body: newTokenSchema, response: { 201: madeTokenSchema } } },
    async (request, reply) => {
      const { caller, body } = request;
      // A token that could make tokens would outlive its own end.
      const { name: account } = needSession(caller);
      const held = caller?.grants ?? [];
      const grants = body.grants ?? held;
      refuseMore(held, grants);
      const secret = newToken();
      const endsAt = new Date(now().getTime() + body.days * DAY_MS);
      const token = { account, name: body.name, grants, hash: secretHash(secret), endsAt };
      const made = await change<z.infer<typeof madeTokenSchema>>(
        request,
        options,
        async (tx, by) => ({ ...tokenView(await addToken(tx, token, by)), secret }),
        // The secret is stored nowhere: who repeats the request learns that there is a token, and makes another.
        (answer) => ({ ...answer, secret: null }),
      );
      return reply.code(201).send(made);
    },
  );
  app.delete(
    '/api/v1/tokens/:id',
    { schema: { params: z.object({ id: z.string().max(64) }), response: { 204: z.null() } } },
    async (request, reply) => {
      const { caller, params } = request;
      const isAdmin = caller !== null && mayAct(caller, ['admin'], { kind: 'all' });
      await change(request, options, (tx, by) => revokeToken(tx, params.id, isAdmin ? null : by.by, by));
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
