import { messageOf } from '#domain';
import type { Run } from '../context.ts';
import type { Journal, ReleaseRef } from '../journal.ts';
import { baselineOf, readHostLog } from '../judge.ts';
import { withFailure } from '../plan/boot.ts';
import { gone } from './prepare.ts';

/** The intent is on the disk before the kernel is asked: what a boot did not survive is known by it. */
export async function load(run: Run, release: ReleaseRef): Promise<void> {
  const { kernel, store } = run.doors;
  const { journal } = run;
  let module: Buffer | undefined;
  let baseline: readonly string[];
  try {
    module = await store.read(release.sha256);
    if (module === undefined) throw gone(release);
    const blamed = journal.failed.flatMap(({ reports }) => reports);
    baseline = baselineOf(await readHostLog(kernel), journal.baseline, blamed);
  } catch (error) {
    run.refused.add(release.sha256);
    return run.complain(error);
  }
  const since = await kernel.uptime();
  const intent: Journal = {
    ...journal,
    state: 'loading',
    release,
    since,
    baseline,
    guard: { ...journal.guard, loaded: true, polls: 0 },
    newest: newestOf(journal, release),
  };
  await run.commit(intent);
  try {
    await kernel.load(module);
  } catch (error) {
    await run.record(withFailure(intent, release, 'quarantined', messageOf(error)));
    return run.complain(error);
  }
  await run.record({ ...intent, state: 'transitioning', attempts: null });
}

function newestOf({ newest }: Journal, { buildId, number }: ReleaseRef): Journal['newest'] {
  return newest?.buildId === buildId && newest.number > number ? newest : { buildId, number };
}
