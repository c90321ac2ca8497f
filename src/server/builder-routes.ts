import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import * as z from 'zod';
import {
  beatAnswerSchema,
  beatSchema,
  failureSchema,
  leaseAnswerSchema,
  leaseRequestSchema,
  MAX_RESULT_BYTES,
  resultSchema,
  returnSchema,
} from '#contract';
import { type Logger, systemClock } from '#host';
import { beatJob, failJob, finishJob, type JobDoors, type JobWord, leaseJob, returnJob } from '#pipeline';
import { type BuilderRow, findBuilder, openQueues, type Queues, type Store } from '#store';
import { ServerError } from './error.ts';

const jobParams = z.object({ id: z.uuid() });
const TOKEN = /^Bearer (ttb_[A-Za-z0-9_-]{43})$/;
/** A lease carries a whole patch; the body of a beat a part of a log. */
const MESSAGE_BYTES = 1 << 20;

export interface BuilderRouteOptions {
  readonly store: Store;
  readonly log: Logger;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose token a request of a builder bears. */
    builder: BuilderRow | null;
  }
}

/** What builders lease jobs by. Each request bears the token of a builder, and nothing else opens these routes. */
export function registerBuilderRoutes(server: FastifyInstance, { store, log }: BuilderRouteOptions): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const doors = jobDoors(server, store);
  server.decorateRequest('builder', null);
  // Before the body is read: a stranger's module is not even received.
  const onRequest = async (request: FastifyRequest): Promise<void> => {
    request.builder = await authenticate(store, request);
  };
  const base = { onRequest, bodyLimit: MESSAGE_BYTES };
  const about = { params: jobParams, response: { 200: beatAnswerSchema } };
  app.post(
    '/api/v1/builder/lease',
    { ...base, schema: { body: leaseRequestSchema, response: { 200: leaseAnswerSchema } } },
    async ({ builder, body }) => {
      const job = await leaseJob(await doors(), builder!, body);
      if (job === null) return { job };
      const { id, attempt, timeoutSeconds, order } = job;
      log.info({ job: id, attempt, builder: builder!.name }, 'job leased');
      return { job: { id, attempt, timeoutSeconds, order } };
    },
  );
  app.post(
    '/api/v1/builder/jobs/:id/beat',
    { ...base, schema: { ...about, body: beatSchema } },
    async ({ builder, params, body }) => ({
      wanted: await beatJob(await doors(), wordOf(builder, params, body), body.log),
    }),
  );
  app.post(
    '/api/v1/builder/jobs/:id/result',
    { ...base, bodyLimit: MAX_RESULT_BYTES, schema: { ...about, body: resultSchema } },
    async ({ builder, params, body }) => {
      const wanted = await finishJob(await doors(), wordOf(builder, params, body), body);
      log.info({ job: params.id, builder: builder!.name, wanted }, 'job made');
      return { wanted };
    },
  );
  app.post(
    '/api/v1/builder/jobs/:id/failure',
    { ...base, schema: { ...about, body: failureSchema } },
    async ({ builder, params, body }) => {
      const wanted = await failJob(await doors(), wordOf(builder, params, body), body);
      log.info({ job: params.id, builder: builder!.name, wanted, code: body.error.code }, 'job failed');
      return { wanted };
    },
  );
  app.post(
    '/api/v1/builder/jobs/:id/return',
    { ...base, schema: { ...about, body: returnSchema } },
    async ({ builder, params, body }) => ({ wanted: await returnJob(await doors(), wordOf(builder, params, body)) }),
  );
}

function wordOf(
  builder: BuilderRow | null,
  { id }: { readonly id: string },
  { attempt }: { readonly attempt: number },
): JobWord {
  return { builder: builder!, id, attempt };
}

/** The queues are opened when the first builder asks, and closed with the server. */
function jobDoors(server: FastifyInstance, store: Store): () => Promise<JobDoors> {
  let opening: Promise<Queues> | undefined;
  server.addHook('onClose', async () => {
    await (await opening?.catch(() => undefined))?.close();
  });
  return async () => {
    opening ??= openQueues(store);
    try {
      return { store, queues: await opening, clock: systemClock };
    } catch (error) {
      opening = undefined;
      throw error;
    }
  };
}

/** Errors: unauthorized. */
async function authenticate(store: Store, { headers }: FastifyRequest): Promise<BuilderRow> {
  const token = TOKEN.exec(headers.authorization ?? '')?.[1];
  const hash = token === undefined ? '' : createHash('sha256').update(token).digest('hex');
  const builder = token === undefined ? undefined : await findBuilder(store.db, hash);
  if (builder !== undefined) return builder;
  throw new ServerError('unauthorized', 'untrusted', {
    what: 'this is no token of a builder that may work here',
    remedy: 'run "tuxtape builder add" on the server',
  });
}
