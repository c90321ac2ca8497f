import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import * as z from 'zod';
import type { Logger } from '#host';
import { accountOfSubject } from '#store';
import { ServerError } from './error.ts';
import type { OidcAttempt, OidcProvider } from './oidc.ts';
import { type SessionOptions, startSession } from './session-routes.ts';

const CALLBACK = '/api/v1/session/oidc/callback';
const LOGINS_PER_MINUTE = 30;
/** So long may a login at the provider take. */
const ATTEMPT_SECONDS = 600;
const ATTEMPT = /^([\w-]{20,100})\.([\w-]{20,100})\.([\w-]{43,128})$/;
const MAX_PARAMETER = 4_096;

/** What a provider sends back (RFC 6749 4.1.2, RFC 9207, and what some add: session_state). */
const callbackSchema = z.record(z.string().max(100), z.string().max(MAX_PARAMETER));

export interface OidcRouteOptions extends SessionOptions {
  readonly provider: OidcProvider;
  /** Null: the loopback address the browser came to. */
  readonly origin: string | null;
  readonly log: Logger;
}

/** Login at a provider. Only who has an account that names this person there gets a session: nobody is added by logging in. */
export function registerOidcRoutes(server: FastifyInstance, options: OidcRouteOptions): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const { provider, cookie, db, log } = options;
  const name = `${cookie}-oidc`;
  const config = { rateLimit: { max: LOGINS_PER_MINUTE, timeWindow: '1 minute' } };
  const originOf = (host: string | undefined): string => options.origin ?? `http://${host}`;
  // Lax, not strict: the browser comes back from another site, with a GET.
  const setting = { path: '/', httpOnly: true, secure: true, sameSite: 'lax', maxAge: ATTEMPT_SECONDS } as const;
  app.get('/api/v1/session/oidc', { config, schema: { hide: true } }, async ({ headers }, reply) => {
    const { url, attempt } = await provider.begin(originOf(headers.host) + CALLBACK);
    const { state, nonce, verifier } = attempt;
    return reply.setCookie(name, `${state}.${nonce}.${verifier}`, setting).redirect(url, 303);
  });
  app.get(CALLBACK, { config, schema: { hide: true, querystring: callbackSchema } }, async (request, reply) => {
    const attempt = attemptOf(request.cookies[name]);
    void reply.clearCookie(name, setting);
    const callback = new URL(CALLBACK, originOf(request.headers.host));
    callback.search = new URLSearchParams(request.query).toString();
    const { issuer, subject } = await provider.end(callback, attempt);
    const account = await accountOfSubject(db, issuer, subject);
    if (account === undefined || account.disabledAt !== null) {
      log.warn({ issuer, subject }, 'a login at the provider by somebody who has no account here');
      throw new ServerError('account-missing', 'input', {
        what: `no account names you: tell an administrator your subject, "${subject}"`,
        remedy: 'tuxtape user add NAME --no-password --issuer URL --subject SUB',
      });
    }
    await startSession(reply, options, { account, before: request.cookies[cookie], how: 'oidc' });
    return reply.redirect('/', 303);
  });
}

/** Errors: login-failed, when this browser did not begin a login here, or too long ago. */
function attemptOf(text: string | undefined): OidcAttempt {
  const [, state, nonce, verifier] = ATTEMPT.exec(text ?? '') ?? [];
  if (state !== undefined && nonce !== undefined && verifier !== undefined) return { state, nonce, verifier };
  throw new ServerError('login-failed', 'untrusted', { what: 'this browser did not begin a login here' });
}
