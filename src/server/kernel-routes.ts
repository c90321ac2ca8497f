import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import * as z from 'zod';
import { cveIdSchema, holdSchema, kernelSchema, newHoldSchema } from '#contract';
import { addHold, type Hold, holdsOf, needKernel, removeHold } from '#store';
import { type ChangeOptions, change } from './change.ts';
import { kernelView } from './views.ts';

const kernelParams = z.object({ kernel: z.string().max(200) });
const holdParams = kernelParams.extend({ cve: cveIdSchema });

/** One kernel, and the fixes that people took back for it. */
export function registerKernelRoutes(server: FastifyInstance, options: ChangeOptions): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const { db } = options;
  app.get(
    '/api/v1/kernels/:kernel',
    { schema: { params: kernelParams, response: { 200: kernelSchema } } },
    async ({ params }) => kernelView(await needKernel(db, params.kernel)),
  );
  app.get(
    '/api/v1/kernels/:kernel/holds',
    { schema: { params: kernelParams, response: { 200: z.array(holdSchema) } } },
    async ({ params }) => {
      const { id } = await needKernel(db, params.kernel);
      return [...(await holdsOf(db, id)).values()].map(holdView);
    },
  );
  app.put(
    '/api/v1/kernels/:kernel/holds/:cve',
    { schema: { params: holdParams, body: newHoldSchema, response: { 200: holdSchema } } },
    (request) =>
      change(request, options, async (tx, { by, at }) => {
        const { params, body } = request;
        const { id } = await needKernel(tx, params.kernel);
        const hold = { cve: params.cve, reason: body.reason, author: by, heldAt: at };
        await addHold(tx, id, hold);
        return holdView(hold);
      }),
  );
  app.delete(
    '/api/v1/kernels/:kernel/holds/:cve',
    { schema: { params: holdParams, response: { 204: z.null() } } },
    async (request, reply) => {
      await change(request, options, async (tx, { by, at }) => {
        const { id } = await needKernel(tx, request.params.kernel);
        await removeHold(tx, id, request.params.cve, by, at);
      });
      return reply.code(204).send(null);
    },
  );
}

function holdView({ cve, reason, author, heldAt }: Hold): z.infer<typeof holdSchema> {
  return { cve, reason, author, heldAt: heldAt.toISOString() };
}
