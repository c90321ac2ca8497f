import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { sql } from 'kysely';
import * as z from 'zod';
import {
  kernelSchema,
  standingSchema,
  statusSchema,
  summarySchema,
  verdictPageSchema,
  verdictQuerySchema,
} from '#contract';
import { isCveId, roles } from '#domain';
import { explained, freshness } from '#pipeline';
import {
  countCves,
  countVerdicts,
  listKernels,
  listQuarantine,
  listVerdicts,
  needKernel,
  type Store,
  StoreError,
} from '#store';
import { mayAct } from './caller.ts';
import { ServerError } from './error.ts';
import { kernelView, sourceView, standingView, verdictView } from './views.ts';

const kernelParams = z.object({ kernel: z.string().max(200) });
const cveParams = z.object({ cve: z.string().max(40) });

/** What the API's answers are made of. `sources`: those that are to be read, with the seconds between two readings. */
export interface ApiOptions {
  readonly store: Store;
  readonly sources: ReadonlyMap<string, number>;
  readonly version: string;
  /** Where mirrors are; absent: the history of records is not told. */
  readonly dataDirectory?: string;
  /** Seconds between two check-ins of a host. */
  readonly hostSeconds?: number;
}

/** The API. Each route's access stands in `access.ts`. */
export function registerRoutes(server: FastifyInstance, { store, sources: expected, version }: ApiOptions): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const { db } = store;
  app.get('/healthz', () => ({ ok: true }));
  app.get('/readyz', async () => {
    try {
      await sql`SELECT 1`.execute(db);
    } catch (error) {
      throw new ServerError('not-ready', 'toolchain', { what: 'the database does not answer', cause: error });
    }
    return { ok: true };
  });
  app.get('/api/v1/status', { schema: { response: { 200: statusSchema } } }, async () => {
    const now = new Date();
    const [sources, cves, aside] = await Promise.all([freshness(db, expected, now), countCves(db), listQuarantine(db)]);
    return {
      version,
      now: now.toISOString(),
      sampleData: sources.some(({ bundled }) => bundled),
      sources: sources.map(sourceView),
      cves,
      quarantined: aside.length,
    };
  });
  app.get(
    '/api/v1/cves/:cve/standing',
    { schema: { params: cveParams, response: { 200: standingSchema } } },
    async ({ params }) => {
      const { cve } = params;
      const [told] = isCveId(cve) ? await explained(db, [cve], new Date()) : [];
      if (told === undefined) throw new StoreError('not-found', 'input', { what: 'this CVE is not known', where: cve });
      return standingView(told);
    },
  );
  app.get('/api/v1/kernels', { schema: { response: { 200: z.array(kernelSchema) } } }, async ({ caller }) => {
    const kernels = await listKernels(db);
    return kernels.filter(({ id }) => caller !== null && mayAct(caller, roles, { kind: 'kernel', id })).map(kernelView);
  });
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
      const rows = await listVerdicts(db, kernel.id, {
        status: query.status,
        severity: query.severity,
        text: query.q,
        limit: query.limit + 1,
        after: query.cursor,
      });
      const more = rows.length > query.limit;
      return {
        verdicts: rows.slice(0, query.limit).map(verdictView),
        next: more ? (rows[query.limit - 1]?.verdict.cve ?? null) : null,
      };
    },
  );
}
