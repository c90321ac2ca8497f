import * as z from 'zod';
import { type Rollout, type RolloutDetail, rolloutDetailSchema, rolloutsSchema } from '#contract';
import { shareOfRing } from '#domain';
import {
  findKernel,
  listKernels,
  listRollouts,
  needRollout,
  type RolloutRow,
  rolloutEvents,
  untakenAsks,
} from '#store';
import type { ApiOptions } from '../routes.ts';
import type { TypedApp } from './paging.ts';

const EVENTS = 100;
const FAILURES = 200;
const EVIDENCE = 50;
const HUNDREDTHS = 100;

/** Reads of rollouts: all of them, the newest first, and one with what was done and what waits to be done. */
export function registerRolloutReads(app: TypedApp, { store: { db } }: ApiOptions): void {
  app.get('/api/v1/rollouts', { schema: { response: { 200: rolloutsSchema } } }, async () => {
    const [rows, kernels] = await Promise.all([listRollouts(db), listKernels(db)]);
    const names = new Map(kernels.map(({ buildId, name }) => [buildId, name]));
    return rows.toReversed().map((row) => rolloutView(row, names.get(row.release.buildId) ?? null));
  });
  app.get(
    '/api/v1/rollouts/:id',
    { schema: { params: z.object({ id: z.uuid() }), response: { 200: rolloutDetailSchema } } },
    async ({ params }) => {
      const row = await needRollout(db, params.id);
      const [kernel, events, asks] = await Promise.all([
        findKernel(db, row.release.buildId),
        rolloutEvents(db, row.id, EVENTS),
        untakenAsks(db, row.id),
      ]);
      return {
        ...rolloutView(row, kernel?.name ?? null),
        ...progressOf(row),
        waiting: asks.map(({ command, at }) => {
          return { do: command.do, by: command.by, reason: command.reason, at: at.toISOString() };
        }),
        events: events.map(({ at, do: kind, what, why, evidence }) => {
          return { at: at.toISOString(), do: kind, what, why, evidence: evidence.slice(0, EVIDENCE) };
        }),
      };
    },
  );
}

function rolloutView({ id, release, policy, state, createdBy, createdAt }: RolloutRow, kernel: string | null): Rollout {
  const { phase, stop, ring, share } = state;
  return {
    ...{ id, kernel, buildId: release.buildId, release: release.number, phase, stop, createdBy },
    at: phase === 'draft' ? null : { ring: policy.rings[ring]!.name, percent: share / HUNDREDTHS },
    failed: state.failures.length,
    createdAt: createdAt.toISOString(),
  };
}

function progressOf({ release, policy, state }: RolloutRow): Omit<RolloutDetail, keyof Rollout | 'waiting' | 'events'> {
  const isOpen = state.phase !== 'draft' && state.phase !== 'recalled';
  return {
    sha256: release.sha256,
    rings: policy.rings.map(({ name, steps, control }, ring) => {
      return { name, steps: [...steps], control, open: isOpen ? shareOfRing(state, ring) / HUNDREDTHS : 0 };
    }),
    soakedSeconds: Math.floor(state.soakedMs / 1000),
    stuck: state.stuck,
    expeditedBy: [...(state.expedited?.by ?? [])],
    held: [...state.held],
    failures: state.failures.slice(0, FAILURES),
  };
}
