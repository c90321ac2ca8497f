import { existsSync } from 'node:fs';
import { join } from 'node:path';
import helmet from '@fastify/helmet';
import serveStatic from '@fastify/static';
import swagger from '@fastify/swagger';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { StageError } from '#domain';
import type { Logger } from '#host';
import { access } from './access.ts';
import { registerBuilderRoutes } from './builder-routes.ts';
import { ServerError } from './error.ts';
import { registerReadRoutes } from './read/index.ts';
import { type ApiOptions, registerRoutes } from './routes.ts';

const WEB = join(import.meta.dirname, '../../build/web');
const BODY_LIMIT = 64 << 10;
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

export interface AppOptions extends ApiOptions {
  readonly log: Logger;
}

/** The server without its port: routes, page, security headers, one shape of errors. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const logger: FastifyBaseLogger = options.log;
  const app: FastifyInstance = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT,
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.addHook('onRoute', ({ method, url }) => {
    const guarded = url.startsWith('/api') || url.endsWith('z');
    for (const one of [method].flat().filter((name) => guarded && name !== 'HEAD'))
      if (access[`${one} ${url}`] === undefined)
        throw new ServerError('page-missing', 'us', {
          what: `route ${one} ${url} is not in the access table`,
          where: 'src/server/access.ts',
        });
  });
  app.addHook('onRequest', async (request) => {
    // A page of another site may resolve its own name to this address: only the names of this host are answered.
    const name = request.headers.host?.replace(/:\d+$/, '') ?? '';
    if (!LOOPBACK.has(name))
      throw new ServerError('host-refused', 'untrusted', { what: 'this server answers to its own address only' });
  });
  app.setErrorHandler((error, _request, reply) => {
    const { status, code, title } = problemOf(error);
    if (status >= 500) options.log.error({ error }, 'request failed');
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
  // Mantine writes style elements: inline styles are allowed, inline scripts never.
  const directives = {
    defaultSrc: ["'self'"],
    styleSrc: ["'self'", "'unsafe-inline'"],
    imgSrc: ["'self'", 'data:'],
    frameAncestors: ["'none'"],
    upgradeInsecureRequests: null,
  };
  await app.register(helmet, { contentSecurityPolicy: { directives }, strictTransportSecurity: false });
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title: 'TuxTape', version: options.version } },
    transform: jsonSchemaTransform,
  });
  registerRoutes(app, options);
  registerReadRoutes(app, options);
  registerBuilderRoutes(app, options);
  app.get('/api/v1/openapi.json', { schema: { hide: true } }, () => app.swagger());
  if (hasPages) await app.register(serveStatic, { root: WEB });
  return app;
}

/** Every other code is a failure of the server. */
const STATUS: Readonly<Record<string, number>> = {
  'not-found': 404,
  'cursor-invalid': 400,
  'host-refused': 421,
  unauthorized: 401,
  'module-refused': 422,
};

function problemOf(error: unknown): { status: number; code: string; title: string } {
  if (error instanceof StageError) {
    const code = String(error.code);
    const status = STATUS[code] ?? 500;
    return { status, code, title: status === 500 ? 'the server could not answer' : error.message };
  }
  const statusCode =
    error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500;
  if (statusCode < 500)
    return {
      status: statusCode,
      code: 'bad-request',
      title: error instanceof Error ? error.message.slice(0, 300) : 'bad request',
    };
  return { status: 500, code: 'internal', title: 'the server could not answer' };
}
