import { existsSync } from 'node:fs';
import { join } from 'node:path';
import cookies from '@fastify/cookie';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import serveStatic from '@fastify/static';
import swagger from '@fastify/swagger';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { type Clock, type Logger, systemClock } from '#host';
import { registerAccountRoutes, registerTokenRoutes } from './account-routes.ts';
import { logRequests, tagAnswers } from './answers.ts';
import { registerAuditRoutes } from './audit-routes.ts';
import { registerBuilderRoutes } from './builder-routes.ts';
import { registerCveRoutes } from './cve-routes.ts';
import { ServerError } from './error.ts';
import { Events, registerEventRoutes } from './events.ts';
import { guard } from './guard.ts';
import { registerKernelRoutes } from './kernel-routes.ts';
import { registerMetrics } from './metrics.ts';
import { OidcProvider, type OidcSettings } from './oidc.ts';
import { registerOidcRoutes } from './oidc-routes.ts';
import { securitySchemes, withAccess } from './openapi.ts';
import { problemOf } from './problem.ts';
import { registerReadRoutes } from './read/index.ts';
import { registerRolloutRoutes } from './rollout-routes.ts';
import { type ApiOptions, registerRoutes } from './routes.ts';
import { registerSessionRoutes } from './session-routes.ts';

const WEB = join(import.meta.dirname, '../../build/web');
const BODY_LIMIT = 64 << 10;

export interface AppOptions extends ApiOptions {
  readonly log: Logger;
  /** Address at which people reach this server through a proxy, as `https://tuxtape.example.org`; null: the loopback address. */
  readonly origin?: string | null;
  /** Proxies whose word of where a request comes from is believed. */
  readonly proxies?: string;
  readonly clock?: Clock;
  /** Where people may log in besides. */
  readonly oidc?: OidcSettings | null;
}

/** The server without its port: routes, page, security headers, one shape of errors. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const logger: FastifyBaseLogger = options.log;
  const { origin = null, clock = systemClock, store } = options;
  const app: FastifyInstance = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT,
    trustProxy: options.proxies ?? false,
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  setProblems(app, options.log);
  const isSecure = origin?.startsWith('https:') === true;
  const common = { db: store.db, now: () => clock.now(), cookie: isSecure ? '__Host-tuxtape' : 'tuxtape' };
  await app.register(cookies);
  guard(app, { ...common, origin, local: origin === null });
  await setHeaders(app, isSecure);
  await app.register(rateLimit, {
    global: false,
    errorResponseBuilder: () => new ServerError('too-many', 'input', { what: 'too many requests: wait a minute' }),
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'TuxTape', version: options.version },
      components: { securitySchemes: securitySchemes(common.cookie) as never },
    },
    transform: jsonSchemaTransform,
  });
  tagAnswers(app);
  logRequests(app, options.log);
  const events = new Events(store, options.log);
  registerMetrics(app, { ...common, sources: options.sources, readers: () => events.readers });
  registerRoutes(app, options);
  registerReadRoutes(app, options);
  registerCveRoutes(app, { ...common, store, clock });
  registerKernelRoutes(app, common);
  registerRolloutRoutes(app, common);
  registerAuditRoutes(app, common);
  registerEventRoutes(app, events);
  const sessions = { ...common, oidc: options.oidc != null };
  registerSessionRoutes(app, sessions);
  if (options.oidc != null)
    registerOidcRoutes(app, { ...sessions, origin, log: options.log, provider: new OidcProvider(options.oidc) });
  registerAccountRoutes(app, common);
  registerTokenRoutes(app, common);
  registerBuilderRoutes(app, options);
  app.get('/api/v1/openapi.json', { schema: { hide: true } }, () => withAccess(app.swagger() as object));
  if (existsSync(join(WEB, 'index.html'))) await app.register(serveStatic, { root: WEB });
  return app;
}

function setProblems(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler((error, request, reply) => {
    const { status, code, title } = problemOf(error);
    if (status >= 500) log.error({ error, route: request.routeOptions.url }, 'request failed');
    if (status === 401) void reply.header('www-authenticate', 'Bearer realm="tuxtape"');
    return reply.code(status).type('application/problem+json').send({ type: 'about:blank', title, status, code });
  });
  const hasPages = existsSync(join(WEB, 'index.html'));
  app.setNotFoundHandler((request, reply) =>
    // The address of a page, which the page itself reads.
    hasPages && request.method === 'GET' && /^\/(?!api\/|assets\/)/.test(request.url)
      ? reply.sendFile('index.html')
      : reply
          .code(404)
          .type('application/problem+json')
          .send({ type: 'about:blank', title: 'there is nothing here', status: 404, code: 'not-found' }),
  );
}

/** Security headers on every answer. */
async function setHeaders(app: FastifyInstance, isSecure: boolean): Promise<void> {
  // Mantine writes style elements: inline styles are allowed, inline scripts never.
  const directives = {
    defaultSrc: ["'self'"],
    styleSrc: ["'self'", "'unsafe-inline'"],
    imgSrc: ["'self'", 'data:'],
    objectSrc: ["'none'"],
    baseUri: ["'none'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
    upgradeInsecureRequests: null,
  };
  await app.register(helmet, {
    contentSecurityPolicy: { directives },
    strictTransportSecurity: isSecure ? { maxAge: 31_536_000, includeSubDomains: false } : false,
    referrerPolicy: { policy: 'no-referrer' },
  });
}
