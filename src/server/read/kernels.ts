import * as z from 'zod';
import { kernelMapSchema, overviewSchema } from '#contract';
import { type Severity, severities, severityOf, silentAfterMs } from '#domain';
import { kernelMap } from '#pipeline';
import {
  countHosts,
  countOpenVerdicts,
  decidedKernels,
  type GroupCount,
  type KernelCount,
  listKernels,
  needKernel,
  newestChanges,
  pageReports,
} from '#store';
import type { ApiOptions } from '../routes.ts';
import { reportView } from './fleet-views.ts';
import type { TypedApp } from './paging.ts';

const NEWEST_CHANGES = 50;
const BLAMED = 10;
export const DEFAULT_HOST_SECONDS = 60;

/** What is on fire over all kernels, and the map of one. */
export function registerKernelReads(app: TypedApp, { store, hostSeconds = DEFAULT_HOST_SECONDS }: ApiOptions): void {
  const { db } = store;
  app.get('/api/v1/overview', { schema: { response: { 200: overviewSchema } } }, async () => {
    const silentSince = new Date(Date.now() - silentAfterMs(hostSeconds));
    const [kernels, decided, counts, changes, groups, blamed] = await Promise.all([
      listKernels(db),
      decidedKernels(db),
      countOpenVerdicts(db),
      newestChanges(db, NEWEST_CHANGES),
      countHosts(db, silentSince),
      pageReports(db, { blamed: true, limit: BLAMED, offset: 0 }),
    ]);
    const byKernel = Map.groupBy(counts, ({ kernel }) => kernel);
    return {
      kernels: kernels.map(({ id, name, version, bundled }) => {
        return { name, version, bundled, decided: decided.has(id), ...openOf(byKernel.get(name) ?? []) };
      }),
      changes: changes.map(({ at, score, ...change }) => ({
        ...change,
        severity: severityOf(score),
        at: at.toISOString(),
      })),
      hosts: sumOf(groups),
      blamed: blamed.map(reportView),
    };
  });
  app.get(
    '/api/v1/kernels/:kernel/map',
    { schema: { params: z.object({ kernel: z.string().max(200) }), response: { 200: kernelMapSchema } } },
    async ({ params }) => {
      const { folders, elsewhere } = await kernelMap(store, await needKernel(db, params.kernel));
      return { folders: folders && [...folders], elsewhere };
    },
  );
}

function openOf(counts: readonly KernelCount[]): { affected: Record<Severity, number>; open: number } {
  const of = (keep: (one: KernelCount) => boolean): number =>
    counts.filter(keep).reduce((total, { count }) => total + count, 0);
  const bands = severities.map((band) => [
    band,
    of(({ status, severity }) => status === 'affected' && severity === band),
  ]);
  return {
    affected: Object.fromEntries(bands) as Record<Severity, number>,
    open: of(({ status }) => status === 'under_investigation'),
  };
}

function sumOf(groups: readonly GroupCount[]) {
  const of = (name: 'hosts' | 'silent' | 'unknownKernel' | 'flagged'): number =>
    groups.reduce((total, group) => total + group[name], 0);
  return { all: of('hosts'), silent: of('silent'), unknownKernel: of('unknownKernel'), flagged: of('flagged') };
}
