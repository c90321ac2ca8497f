import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { auditCheckSchema, auditPageSchema, auditQuerySchema } from '#contract';
import { type Db, listAudit, verifyAudit } from '#store';

/** The audit log, for administrators. Nothing writes to it from here. */
export function registerAuditRoutes(server: FastifyInstance, { db }: { readonly db: Db }): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  app.get(
    '/api/v1/audit',
    { schema: { querystring: auditQuerySchema, response: { 200: auditPageSchema } } },
    async ({ query: { cursor, limit, ...filter } }) => {
      const before = cursor === undefined ? {} : { before: Number(cursor) };
      const rows = await listAudit(db, { ...filter, ...before, limit: limit + 1 });
      const entries = rows.slice(0, limit).map(({ at, ...row }) => ({ ...row, at: at.toISOString() }));
      return { entries, next: rows.length > limit ? String(entries.at(-1)?.seq) : null };
    },
  );
  app.get('/api/v1/audit/check', { schema: { response: { 200: auditCheckSchema } } }, () => verifyAudit(db));
}
