import * as z from 'zod';
import { reportHostsSchema, reportPageSchema, reportQuerySchema } from '#contract';
import { hostsOfReport, pageReports } from '#store';
import type { ApiOptions } from '../routes.ts';
import { reportView } from './fleet-views.ts';
import { countedPage, type TypedApp } from './paging.ts';

const HOSTS = 200;

/** Reads of what kernels reported: the same trouble once, and the hosts of one. */
export function registerReportReads(app: TypedApp, { store: { db } }: ApiOptions): void {
  app.get(
    '/api/v1/reports',
    { schema: { querystring: reportQuerySchema, response: { 200: reportPageSchema } } },
    async ({ query }) => {
      const { limit, blamed, kind } = query;
      const offset = Number(query.cursor ?? 0);
      const { page, next } = countedPage(
        await pageReports(db, { blamed, kind, limit: limit + 1, offset }),
        limit,
        offset,
      );
      return { reports: page.map(reportView), next };
    },
  );
  app.get(
    '/api/v1/reports/:key/hosts',
    { schema: { params: z.object({ key: z.string().max(128) }), response: { 200: reportHostsSchema } } },
    async ({ params }) => {
      const rows = await hostsOfReport(db, params.key, HOSTS + 1);
      const hosts = rows.slice(0, HOSTS).map(({ firstAt, lastAt, ...host }) => {
        return { ...host, firstAt: firstAt.toISOString(), lastAt: lastAt.toISOString() };
      });
      return { hosts, more: rows.length > HOSTS };
    },
  );
}
