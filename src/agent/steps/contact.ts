import type { ReleaseIndex } from '#domain';
import { StageError } from '#domain';
import type { Run } from '../context.ts';
import type { Journal, KnownRecall } from '../journal.ts';
import { isRecalled } from '../plan/observation.ts';
import { remembered } from '../plan/turn.ts';

/** Asks the archive; what cannot be reached or believed is a problem of this run and changes nothing on the host. */
export async function contact(run: Run): Promise<void> {
  const { clock, archive, kernel } = run.doors;
  const at = clock.now().toISOString();
  try {
    const answer = await archive.contact(run.buildId);
    const { index, rollout } = answer;
    run.archive = { index, rollout };
    const known = { last: at, expires: answer.expires, failingSince: null, error: null };
    const given = {
      releases: index?.releases ?? [],
      rollout,
      bootId: await kernel.bootId(),
      uptime: await kernel.uptime(),
    };
    const turn = remembered(run.journal, given);
    await run.record({ ...withRecalls(run.journal, run.buildId, index), contact: known, turn });
  } catch (error) {
    run.archive = 'unreachable';
    run.complain(error);
    if (!(error instanceof StageError)) return;
    const { contact: before } = run.journal;
    const failingSince = before.failingSince ?? at;
    const seen = { code: String(error.code), what: error.message };
    await run.record({ ...run.journal, contact: { ...before, failingSince, error: seen } });
  }
}

/** Recalls are remembered for good: an archive that no longer tells of one does not undo it. */
export function withRecalls(journal: Journal, buildId: string, index: ReleaseIndex | null): Journal {
  const fresh: KnownRecall[] = (index?.recalls ?? [])
    .filter(({ number }) => !isRecalled(journal, { buildId, number }))
    .map(({ number, reason }) => ({ buildId, number, reason }));
  return fresh.length === 0 ? journal : { ...journal, recalled: [...journal.recalled, ...fresh] };
}
