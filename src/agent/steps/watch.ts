import type { Run } from '../context.ts';
import type { Task } from '../doors.ts';
import { AgentError } from '../error.ts';
import type { ReleaseRef } from '../journal.ts';
import { withFailure } from '../plan/boot.ts';

const STEP_MS = 250;
const TASKS_NAMED = 5;
const FRAMES_NAMED = 4;

/**
 * Waits for the transition, by the clock that never jumps. After the deadline the release has failed here; that is written
 * down before anything is taken off, and the plan turns it back. It is never forced.
 */
export async function watch(run: Run, release: ReleaseRef): Promise<void> {
  const { kernel } = run.doors;
  const name = release.moduleName;
  const settled = await until(run, run.limits.transitionSeconds * 1000, async () => {
    const found = (await kernel.livepatches()).find((loaded) => loaded.name === name);
    // Gone or off: somebody else is at work, which the plan has to see.
    return found?.enabled !== true || !found.transition;
  });
  if (settled) {
    const found = (await kernel.livepatches()).find((loaded) => loaded.name === name);
    if (found?.enabled !== true) return;
    return run.record({ ...run.journal, state: 'soaking', since: await kernel.uptime() });
  }
  const blocked = tasksInWords(await kernel.blockers(name));
  const why = `its transition did not complete within ${run.limits.transitionSeconds} s; blocked by ${blocked}`;
  await run.record(withFailure(run.journal, release, 'reverted', why));
  run.complain(
    new AgentError('transition-stalled', 'patch', {
      what: `release ${release.number} is taken back: ${why}`,
      where: name,
      remedy: 'look at what these tasks wait for; a later release is tried again',
    }),
  );
}

/** True once `done`; false after so many milliseconds of the monotonic clock. */
export async function until(run: Run, timeoutMs: number, done: () => Promise<boolean>): Promise<boolean> {
  const { clock } = run.doors;
  for (const deadline = clock.monotonicMs() + timeoutMs; ; await clock.sleep(STEP_MS)) {
    if (await done()) return true;
    if (clock.monotonicMs() >= deadline) return false;
  }
}

/** `77 sleeper: schedule < msleep < …`, the first few. */
export function tasksInWords(tasks: readonly Task[]): string {
  if (tasks.length === 0) return 'no task that can be seen';
  const words = tasks.slice(0, TASKS_NAMED).map(({ pid, name, stack }) => {
    const frames = stack.slice(0, FRAMES_NAMED).join(' < ');
    return `${pid} ${name}: ${frames === '' ? 'no stack' : frames}`;
  });
  const more = tasks.length - words.length;
  return words.join('; ') + (more > 0 ? `; and ${more} more` : '');
}
