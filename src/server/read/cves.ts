import * as z from 'zod';
import {
  cveDetailSchema,
  cveFacetsSchema,
  cveFilterSchema,
  cveHistorySchema,
  cveKernelsSchema,
  cveRowPageSchema,
  cveRowQuerySchema,
} from '#contract';
import { isCveId } from '#domain';
import { historyOf } from '#pipeline';
import { countCveFacets, decisionsOf, getCve, pageCves, StoreError, verdictsOfCve } from '#store';
import type { ApiOptions } from '../routes.ts';
import { cveDetailView, cveKernelView, cveLineView, facetsView, historyView } from './cve-views.ts';
import { countedPage, type TypedApp } from './paging.ts';

const params = z.object({ cve: z.string().max(40) });

/** Reads of CVEs: the list, its facets, and one of them. */
export function registerCveReads(app: TypedApp, { store, dataDirectory }: ApiOptions): void {
  const { db } = store;
  app.get(
    '/api/v1/cve-lines',
    { schema: { querystring: cveRowQuerySchema, response: { 200: cveRowPageSchema } } },
    async ({ query }) => {
      const { limit, sort } = query;
      const offset = Number(query.cursor ?? 0);
      const rows = await pageCves(db, { ...filterOf(query), sort, limit: limit + 1, offset });
      const { page, next } = countedPage(rows, limit, offset);
      return { cves: page.map(cveLineView), next };
    },
  );
  app.get(
    '/api/v1/cve-facets',
    { schema: { querystring: cveFilterSchema, response: { 200: cveFacetsSchema } } },
    async ({ query }) => facetsView(await countCveFacets(db, filterOf(query))),
  );
  app.get(
    '/api/v1/cves/:cve/record',
    { schema: { params, response: { 200: cveDetailSchema } } },
    async ({ params: asked }) => {
      const row = await needCve(store, asked.cve);
      const { id } = row.record;
      return cveDetailView(row, (await decisionsOf(db, [id])).get(id) ?? []);
    },
  );
  app.get(
    '/api/v1/cves/:cve/history',
    { schema: { params, response: { 200: cveHistorySchema } } },
    async ({ params: asked }) => {
      const { record } = await needCve(store, asked.cve);
      return historyView(await historyOf(store, dataDirectory ?? null, record.id));
    },
  );
  app.get(
    '/api/v1/cves/:cve/kernels',
    { schema: { params, response: { 200: cveKernelsSchema } } },
    async ({ params: asked }) => {
      const { record } = await needCve(store, asked.cve);
      return (await verdictsOfCve(db, record.id)).map(cveKernelView);
    },
  );
}

function filterOf({ q, file, severity, class: one, state, reach }: z.output<typeof cveFilterSchema>) {
  return { text: q, file, severity, classes: one && [one], state, reach };
}

/** Errors: not-found. */
async function needCve({ db }: ApiOptions['store'], cve: string) {
  const row = isCveId(cve) ? await getCve(db, cve) : undefined;
  if (row !== undefined) return row;
  throw new StoreError('not-found', 'input', { what: 'this CVE is not known', where: cve });
}
