import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { sql } from 'kysely';
import * as z from 'zod';
import { kernelSchema, statusSchema, summarySchema, verdictPageSchema, verdictQuerySchema } from '#contract';
import {
  countCves,
  countVerdicts,
  listKernels,
  listQuarantine,
  listSyncs,
  listVerdicts,
  needKernel,
  type Store,
} from '#store';
import { kernelView, verdictView } from './views.ts';

const kernelParams = z.object({ kernel: z.string().max(200) });

/** What the API's answers are made of. `syncInterval` in seconds. */
export interface ApiOptions {
  readonly store: Store;
  readonly syncInterval: number;
  readonly version: string;
}

/** The API. Each route's access stands in `access.ts`. */
export function registerRoutes(server: FastifyInstance, { store, syncInterval, version }: ApiOptions): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const { db } = store;
  app.get('/healthz', () => ({ ok: true }));
  app.get('/readyz', async () => {
    await sql`SELECT 1`.execute(db);
    return { ok: true };
  });
  app.get('/api/v1/status', { schema: { response: { 200: statusSchema } } }, async () => {
    const [sources, cves, aside] = await Promise.all([listSyncs(db), countCves(db), listQuarantine(db)]);
    return {
      version,
      now: new Date().toISOString(),
      sampleData: sources.some(({ bundled }) => bundled),
      sources: sources.map(({ source, address, at, newest, bundled }) => ({
        source,
        address: bundled ? 'sample' : address,
        at: at.toISOString(),
        newest: newest?.toISOString() ?? null,
        bundled,
      })),
      cves,
      quarantined: aside.length,
      syncInterval,
    };
  });
  app.get('/api/v1/kernels', { schema: { response: { 200: z.array(kernelSchema) } } }, async () =>
    (await listKernels(db)).map(kernelView),
  );
  app.get(
    '/api/v1/kernels/:kernel/summary',
    { schema: { params: kernelParams, response: { 200: summarySchema } } },
    async ({ params }) => {
      const kernel = await needKernel(db, params.kernel);
      return { kernel: kernelView(kernel), counts: await countVerdicts(db, kernel.id) };
    },
  );
  app.get(
    '/api/v1/kernels/:kernel/verdicts',
    { schema: { params: kernelParams, querystring: verdictQuerySchema, response: { 200: verdictPageSchema } } },
    async ({ params, query }) => {
      const kernel = await needKernel(db, params.kernel);
      const offset = Number(query.cursor ?? 0);
      const rows = await listVerdicts(db, kernel.id, {
        status: query.status,
        severity: query.severity,
        text: query.q,
        limit: query.limit + 1,
        offset,
      });
      const more = rows.length > query.limit;
      return {
        verdicts: rows.slice(0, query.limit).map(verdictView),
        next: more ? String(offset + query.limit) : null,
      };
    },
  );
}
