import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { ApiOptions } from '../routes.ts';
import { registerCveReads } from './cves.ts';
import { registerFleetReads } from './fleet.ts';
import { registerJobReads } from './jobs.ts';
import { registerKernelReads } from './kernels.ts';
import { registerLivepatchReads } from './livepatches.ts';
import { registerReportReads } from './reports.ts';
import { registerRolloutReads } from './rollouts.ts';

/** What pages read: every route of it is a GET. Each route's access stands in `access.ts`. */
export function registerReadRoutes(server: FastifyInstance, options: ApiOptions): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  registerCveReads(app, options);
  registerKernelReads(app, options);
  registerLivepatchReads(app, options);
  registerJobReads(app, options);
  registerFleetReads(app, options);
  registerRolloutReads(app, options);
  registerReportReads(app, options);
}
