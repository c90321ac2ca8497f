import type { Run } from '../context.ts';
import { AgentError } from '../error.ts';
import type { Journal } from '../journal.ts';
import { accepted, withFailure } from '../plan/boot.ts';

/** Does what a person asked for: at the start of a run, and while a release is watched. What it comes to the plan decides. */
export async function obeyRequest(run: Run): Promise<void> {
  const request = await run.doors.requests.read();
  if (request === null) return;
  const { journal } = run;
  await run.record(request.word === 'revert' ? reverted(run, journal) : approved(run, journal, request.number));
  await run.doors.requests.done();
}

function reverted(run: Run, journal: Journal): Journal {
  const { release, state } = journal;
  if (release !== null && ['transitioning', 'soaking', 'accepted'].includes(state))
    return withFailure(journal, release, 'reverted', 'somebody asked for it on this host');
  run.complain(
    new AgentError('no-such-release', 'input', { what: 'no release of ours is loaded that could be taken back' }),
  );
  return journal;
}

/** A person has looked: the boots that were counted and the alarm are settled, too. */
function approved(run: Run, journal: Journal, number: number | null): Journal {
  const settled = { ...journal, alarm: null, guard: { ...journal.guard, unclean: 0 } };
  if (number === null)
    return journal.state === 'soaking' && journal.release !== null ? accepted(settled, journal.release) : settled;
  const failed = journal.failed.filter((entry) => entry.number !== number);
  if (failed.length === journal.failed.length)
    run.complain(
      new AgentError('no-such-release', 'input', {
        what: `no release ${number} failed on this host`,
        remedy: 'run "tuxtape-agent status"; what was recalled cannot be accepted',
      }),
    );
  return { ...settled, failed };
}
