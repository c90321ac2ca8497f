import * as z from 'zod';
import { buildersSchema, type Job, jobDetailSchema, jobPageSchema, jobQuerySchema } from '#contract';
import { type JobLine, listBuilders, listKernels, needJob, pageJobs } from '#store';
import type { ApiOptions } from '../routes.ts';
import { cursorOf, readCursor, type TypedApp } from './paging.ts';

const CURSOR = [/^\d{4}-\d\d-\d\dT[\d:.]{8,12}Z$/, /^[0-9a-f-]{1,64}$/];

/** Reads of jobs and builders. */
export function registerJobReads(app: TypedApp, { store: { db } }: ApiOptions): void {
  app.get(
    '/api/v1/jobs',
    { schema: { querystring: jobQuerySchema, response: { 200: jobPageSchema } } },
    async ({ query }) => {
      const { limit, cursor, state, builder } = query;
      const [at, id] = cursor === undefined ? [] : readCursor(cursor, CURSOR);
      const after = at === undefined || id === undefined ? undefined : ([new Date(at), id] as const);
      const rows = await pageJobs(db, { state, builder, limit: limit + 1, after });
      const page = rows.slice(0, limit);
      const last = page.at(-1);
      const next = rows.length > limit && last !== undefined ? cursorOf([last.queuedAt.toISOString(), last.id]) : null;
      return { jobs: page.map(jobView), next };
    },
  );
  app.get(
    '/api/v1/jobs/:id',
    { schema: { params: z.object({ id: z.string().max(64) }), response: { 200: jobDetailSchema } } },
    async ({ params }) => {
      const row = await needJob(db, params.id);
      return { ...jobView({ ...row, moduleName: row.order.moduleName }), log: row.log };
    },
  );
  app.get('/api/v1/builders', { schema: { response: { 200: buildersSchema } } }, async () => {
    const [builders, kernels] = await Promise.all([listBuilders(db), listKernels(db)]);
    const names = new Map(kernels.map(({ buildId, name }) => [buildId, name]));
    return builders.map(({ addedAt, removedAt, seenAt, kernels: own, name, version, addedBy }) => ({
      ...{ name, version, addedBy },
      addedAt: addedAt.toISOString(),
      removedAt: removedAt?.toISOString() ?? null,
      seenAt: seenAt?.toISOString() ?? null,
      kernels: own.map((buildId) => names.get(buildId) ?? buildId),
    }));
  });
}

function jobView(job: JobLine): Job {
  const { id, kernel, moduleName, state, attempt, deaths, priority, builder, requestedBy, error } = job;
  return {
    ...{ id, kernel, moduleName, state, attempt, deaths, priority, builder, requestedBy },
    cves: [...job.cves],
    queuedAt: job.queuedAt.toISOString(),
    startedAt: job.startedAt?.toISOString() ?? null,
    endedAt: job.endedAt?.toISOString() ?? null,
    error: error && { code: error.code, what: error.what, remedy: error.remedy },
  };
}
