import * as z from 'zod';
import { fleetSummarySchema, hostDetailSchema, hostPageSchema, hostQuerySchema } from '#contract';
import { silentAfterMs } from '#domain';
import { countHosts, findKernel, hostEvents, hostsByKernel, listHosts, needHost, pageReports } from '#store';
import type { ApiOptions } from '../routes.ts';
import { hostDetailView, hostLineView } from './fleet-views.ts';
import { DEFAULT_HOST_SECONDS } from './kernels.ts';
import { cursorOf, readCursor, type TypedApp } from './paging.ts';

const EVENTS = 200;
const REPORTS = 100;
const CURSOR = [/^[^\0]*$/s, /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/];

/** Reads of the fleet: hosts, one host's timeline, and how many of them nobody knows anything of. */
export function registerFleetReads(app: TypedApp, { store, hostSeconds = DEFAULT_HOST_SECONDS }: ApiOptions): void {
  const { db } = store;
  const silentSince = (): Date => new Date(Date.now() - silentAfterMs(hostSeconds));
  app.get(
    '/api/v1/hosts',
    { schema: { querystring: hostQuerySchema, response: { 200: hostPageSchema } } },
    async ({ query }) => {
      const { limit, cursor, silent, q, ...filter } = query;
      const since = silentSince();
      const rows = await listHosts(db, {
        ...filter,
        search: q,
        limit: limit + 1,
        silentSince: silent === true ? since : undefined,
        after: cursor === undefined ? undefined : (readCursor(cursor, CURSOR) as [string, string]),
      });
      const page = rows.slice(0, limit);
      const last = page.at(-1);
      const next = rows.length > limit && last !== undefined ? cursorOf([last.name, last.id]) : null;
      return { hosts: page.map((row) => hostLineView(row, since)), next };
    },
  );
  app.get(
    '/api/v1/hosts/:id',
    { schema: { params: z.object({ id: z.string().max(300) }), response: { 200: hostDetailSchema } } },
    async ({ params }) => {
      const row = await needHost(db, params.id);
      const [kernel, events, reports] = await Promise.all([
        row.buildId === null ? undefined : findKernel(db, row.buildId),
        hostEvents(db, row.id, EVENTS),
        pageReports(db, { host: row.id, limit: REPORTS, offset: 0 }),
      ]);
      return hostDetailView({ row, silentSince: silentSince(), kernel: kernel?.name ?? null, events, reports });
    },
  );
  app.get('/api/v1/fleet', { schema: { response: { 200: fleetSummarySchema } } }, async () => {
    const since = silentSince();
    const [groups, kernels] = await Promise.all([countHosts(db, since), hostsByKernel(db, since)]);
    return { silentSince: since.toISOString(), groups, kernels };
  });
}
