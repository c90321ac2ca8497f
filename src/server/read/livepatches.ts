import { join } from 'node:path';
import * as z from 'zod';
import { livepatchDetailSchema, livepatchPageSchema, livepatchPatchSchema, livepatchQuerySchema } from '#contract';
import { MAX_PATCH_BYTES, StageError } from '#domain';
import { exists, readLimited, sha256 } from '#host';
import { type LivepatchApprovals, livepatchApprovals } from '#pipeline';
import { findKernel, needLivepatch, pageLivepatches, StoreError } from '#store';
import type { ApiOptions } from '../routes.ts';
import { livepatchDetailView, livepatchLineView } from './livepatch-views.ts';
import { countedPage, type TypedApp } from './paging.ts';

const params = z.object({ id: z.string().max(100) });
/** A livepatch takes the changes of many fixes. */
const MOST_PATCH_BYTES = 8 * MAX_PATCH_BYTES;

/** Reads of livepatches: the list, one with its proof and approvals, and the exact change in it. */
export function registerLivepatchReads(app: TypedApp, { store }: ApiOptions): void {
  const { db } = store;
  app.get(
    '/api/v1/livepatches',
    { schema: { querystring: livepatchQuerySchema, response: { 200: livepatchPageSchema } } },
    async ({ query }) => {
      const { limit, kernel, cve } = query;
      const offset = Number(query.cursor ?? 0);
      const rows = await pageLivepatches(db, { kernel, cve, limit: limit + 1, offset });
      const { page, next } = countedPage(rows, limit, offset);
      return { livepatches: page.map(livepatchLineView), next };
    },
  );
  app.get(
    '/api/v1/livepatches/:id',
    { schema: { params, response: { 200: livepatchDetailSchema } } },
    async ({ params: { id } }) => {
      const row = await needLivepatch(db, id);
      const kernel = await findKernel(db, row.kernelId);
      return livepatchDetailView(row, kernel?.name ?? row.kernelId, await approvalsOf(store, row.id));
    },
  );
  app.get(
    '/api/v1/livepatches/:id/patch',
    { schema: { params, response: { 200: livepatchPatchSchema } } },
    async ({ params: { id } }) => {
      const { directory, moduleName } = await needLivepatch(db, id);
      const file = join(directory, 'change.patch');
      if (!(await exists(file)))
        throw new StoreError('not-found', 'input', { what: 'the patch of this livepatch is gone', where: moduleName });
      const text = await readLimited(file, MOST_PATCH_BYTES);
      return { sha256: sha256(text), text: text.toString('utf8') };
    },
  );
}

/** The approvals, or the code of why nothing can be said of them. */
async function approvalsOf(store: ApiOptions['store'], id: string): Promise<LivepatchApprovals | string> {
  try {
    return await livepatchApprovals({ store }, id);
  } catch (error) {
    if (error instanceof StageError) return String(error.code);
    throw error;
  }
}
