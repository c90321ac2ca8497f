import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import * as z from 'zod';
import { rolloutAskedSchema, rolloutHoldSchema, rolloutResumeSchema, rolloutStopSchema } from '#contract';
import type { RolloutCommand } from '#domain';
import { askRollout, needHost, needRollout } from '#store';
import { type ChangeOptions, change } from './change.ts';

type Ask = RolloutCommand extends infer C ? (C extends unknown ? Omit<C, 'rollout' | 'by'> : never) : never;

const params = z.object({ id: z.uuid() });
const response = { 202: rolloutAskedSchema };

/**
 * What people ask of a rollout. It is asked for here, and done or refused by the next round of the controller, which alone signs.
 * To hurry one takes two people, so it is no request of one account.
 */
export function registerRolloutRoutes(server: FastifyInstance, options: ChangeOptions): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  app.post(
    '/api/v1/rollouts/:id/stop',
    { schema: { params, body: rolloutStopSchema, response } },
    async (request, reply) => reply.code(202).send(await ask(request, request.params.id, request.body)),
  );
  app.post(
    '/api/v1/rollouts/:id/resume',
    { schema: { params, body: rolloutResumeSchema, response } },
    async (request, reply) => {
      const { failures, pastInconclusive: inconclusive, reason } = request.body;
      const wanted: Ask = { do: 'resume', failures, inconclusive, reason };
      return reply.code(202).send(await ask(request, request.params.id, wanted));
    },
  );
  app.post(
    '/api/v1/rollouts/:id/holds',
    { schema: { params, body: rolloutHoldSchema, response } },
    async (request, reply) => {
      const { state } = await needRollout(options.db, request.params.id);
      const { host: named } = request.body;
      // A host that is not known would be held to no effect, and nobody would notice; one that is gone can still be let in.
      const host = state.held.includes(named) ? named : (await needHost(options.db, named)).id;
      return reply.code(202).send(await ask(request, request.params.id, { ...request.body, host }));
    },
  );

  function ask(request: FastifyRequest, id: string, wanted: Ask): Promise<z.infer<typeof rolloutAskedSchema>> {
    return change(request, options, async (tx, { by, at }) => {
      const { id: rollout } = await needRollout(tx, id);
      await askRollout(tx, { ...wanted, rollout, by }, at);
      return { rollout, asked: wanted.do, at: at.toISOString() };
    });
  }
}
