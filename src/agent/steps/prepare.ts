import { type AgentState, hasCode } from '#domain';
import type { Run } from '../context.ts';
import { AgentError } from '../error.ts';
import type { Purpose, ReleaseRef } from '../journal.ts';
import type { Plan } from '../plan/steps.ts';

/** The module is on this host; where it cannot be had this run goes on without it. */
export async function fetchModule(
  run: Run,
  { release, purpose, over, leastSoak = 0 }: Extract<Plan, { step: 'fetch' }>,
): Promise<void> {
  const { store, archive } = run.doors;
  if (over !== undefined)
    run.complain(
      new AgentError(over.code, 'patch', {
        what: `${over.why}; release ${release.number}, which was accepted here before, goes over it`,
        where: over.name,
        remedy: 'a later release is loaded when there is one',
      }),
    );
  try {
    if (!(await store.list()).has(release.sha256)) await archive.obtain(release);
    run.journal = { ...run.journal, leastSoak };
    await enter(run, 'downloaded', release, purpose);
  } catch (error) {
    refuse(run, release, error);
  }
}

/** The bytes on the disk are those that the archive signed for this release, or for one that was accepted here before. */
export async function verifyModule(run: Run, release: ReleaseRef): Promise<void> {
  const { store, archive } = run.doors;
  const { purpose } = run.journal;
  try {
    const module = await store.read(release.sha256);
    if (module === undefined) throw gone(release);
    if (purpose === 'update') await archive.verify(release, module);
    await enter(run, 'verified', release, purpose);
  } catch (error) {
    refuse(run, release, error);
  }
}

export async function precheckModule(run: Run, release: ReleaseRef): Promise<void> {
  const { store, precheck } = run.doors;
  const { purpose } = run.journal;
  const module = await store.read(release.sha256);
  if (module === undefined) return refuse(run, release, gone(release));
  const [first, ...others] = await precheck(release, module, purpose);
  if (first === undefined) return enter(run, 'prechecked', release, purpose);
  const all = [first, ...others].map(({ what }) => what).join('; ');
  const what = `release ${release.number} is not loaded: ${all}`;
  refuse(run, release, new AgentError(first.code, 'input', { what, remedy: first.remedy }));
}

export function gone({ number, sha256 }: ReleaseRef): AgentError {
  return new AgentError('release-mismatch', 'toolchain', {
    what: `the module of release ${number} is not on this host as it was verified`,
    where: sha256,
    remedy: 'nothing was loaded; it is fetched again at the next poll',
  });
}

/** Not on the disk what must be on the disk: then the run ends, and nothing was loaded. */
function refuse(run: Run, { sha256 }: ReleaseRef, error: unknown): void {
  if (hasCode(error, 'disk-full')) throw error;
  run.refused.add(sha256);
  run.complain(error);
}

async function enter(run: Run, state: AgentState, release: ReleaseRef, purpose: Purpose): Promise<void> {
  const since = await run.doors.kernel.uptime();
  await run.commit({ ...run.journal, state, release, purpose, since });
}
