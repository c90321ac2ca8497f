import type { Run } from '../context.ts';
import { AgentError } from '../error.ts';
import type { Bad } from '../plan/steps.ts';
import { tasksInWords, until } from './watch.ts';

/** Seconds in which a livepatch that goes off has to be off. After that a person is needed; it is never forced. */
const OFF_SECONDS = 60;

/** Turns a transition back: what was there before it stays on. */
export async function reverse(run: Run, { name, why, code }: Bad): Promise<void> {
  run.complain(new AgentError(code, 'patch', { what: why, where: name }));
  await run.doors.kernel.disable(name);
  await awaitOff(run, name);
}

/** The last resort, where no accepted release is left to go over a bad one: this host is without a livepatch then. */
export async function unpatch(run: Run, { name, why, code }: Bad): Promise<void> {
  run.complain(
    new AgentError(code, 'patch', {
      what: `the livepatch is taken off with nothing in its place: ${why}`,
      where: name,
      remedy: 'this host is without a livepatch until a later release is published',
    }),
  );
  await run.doors.kernel.disable(name);
  await awaitOff(run, name);
}

export async function awaitOff(run: Run, name: string): Promise<void> {
  const { kernel } = run.doors;
  const off = await until(run, OFF_SECONDS * 1000, async () => {
    const found = (await kernel.livepatches()).find((loaded) => loaded.name === name);
    return found === undefined || (!found.enabled && !found.transition);
  });
  if (off) return;
  const alarm = `${name} does not come off within ${OFF_SECONDS} s; blocked by ${tasksInWords(await kernel.blockers(name))}`;
  await run.record({ ...run.journal, alarm });
}

/** What the kernel keeps is let be: it does nothing any more. */
export async function clean(run: Run, name: string): Promise<void> {
  if (!(await run.doors.kernel.remove(name))) run.kept.add(name);
}
