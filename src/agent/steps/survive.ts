import { hasCode, messageOf } from '#domain';
import type { Run } from '../context.ts';
import { AgentError } from '../error.ts';
import { judge, readHostLog } from '../judge.ts';
import { withFailure } from '../plan/boot.ts';

/** Runs that may be cut off while they watch one release in one boot. */
const MAX_CUT_OFF = 3;

/**
 * A livepatch that kills whatever touches it may kill the agent each time it looks: then nobody ever takes it back. So each
 * run that goes on with a trial is counted before it looks at anything, and after a few the release goes off at once.
 */
export async function countRun(run: Run, bootId: string): Promise<void> {
  const { journal } = run;
  const { release } = journal;
  if (release === null || journal.bootId !== bootId || !['transitioning', 'soaking'].includes(journal.state)) return;
  if ((await run.doors.level()) === 'stop') return; // Such a run looks at nothing, and must not touch the kernel.
  const { sha256, moduleName, number } = release;
  const count = (journal.attempts?.sha256 === sha256 ? journal.attempts.count : 0) + 1;
  if (count <= MAX_CUT_OFF) return run.note({ ...journal, attempts: { sha256, count } });
  const why = `the agent was cut off ${MAX_CUT_OFF} times while it watched it`;
  await run.note(withFailure(journal, release, 'reverted', why));
  run.complain(
    new AgentError('quarantined', 'patch', { what: `release ${number} is taken off: ${why}`, where: moduleName }),
  );
  await run.doors.kernel.disable(moduleName);
}

/**
 * A look that never ends while a release is on trial: it goes off at once, whatever else could go over it, for nothing can
 * be looked at any more. Errors: the one that is given.
 */
export async function stuck(run: Run, error: unknown): Promise<never> {
  const { release, state } = run.journal;
  const isOnTrial = ['transitioning', 'soaking', 'reverted'].includes(state);
  const isHung = hasCode(error, 'task-hung') && isOnTrial;
  if (isHung && release !== null && (await run.doors.level()) !== 'stop') {
    await run.note(withFailure(run.journal, release, 'reverted', messageOf(error)));
    await run.doors.kernel.disable(release.moduleName);
  }
  throw error;
}

/** Blame that leaves no doubt: its own code failed, or is in the trace. */
const NO_DOUBT: readonly string[] = ['instruction', 'frame'];

/**
 * An accepted release is not watched any more, but what the kernel lays to its own code later is no coincidence: one look at
 * the log in each run. A log that cannot be read changes nothing here.
 */
export async function judgeAccepted(run: Run, bootId: string): Promise<void> {
  const { journal, doors } = run;
  const { release, state } = journal;
  if (release === null || state !== 'accepted' || journal.bootId !== bootId) return;
  const { moduleName } = release;
  const log = await readHostLog(doors.kernel).catch(() => undefined);
  if (log === undefined) return;
  const replaced = await doors.kernel.replaced(moduleName);
  const found = judge(log, { moduleName, replaced, baseline: journal.baseline });
  const findings = found.filter(({ blame }) => NO_DOUBT.includes(blame.level));
  const [worst] = findings;
  if (worst === undefined) return;
  const what = `after it was accepted the kernel reported: ${worst.report.title} (${worst.blame.reasons[0]?.text ?? worst.blame.level})`;
  const keys = [...new Set(findings.map(({ report }) => report.key))].slice(0, 50);
  await run.record(withFailure(journal, release, 'reverted', what, keys));
  run.complain(new AgentError('kernel-report', 'patch', { what: `release ${release.number} is taken back: ${what}` }));
}
