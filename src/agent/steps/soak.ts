import { hasCode, messageOf } from '#domain';
import { inTime, type Run } from '../context.ts';
import { type AgentCode, AgentError } from '../error.ts';
import type { ReleaseRef } from '../journal.ts';
import { type HostLog, judge, readHostLog } from '../judge.ts';
import { accepted, withFailure } from '../plan/boot.ts';
import { isBad } from '../plan/observation.ts';
import { calledBack } from '../plan/turn.ts';
import { contact } from './contact.ts';
import { HungTasks } from './hung-tasks.ts';
import { obeyRequest } from './request.ts';

/** Time between two looks at the host. */
const LOOK_MS = 10_000;
/** Time between two contacts with the archive while a release is watched: a recall does not wait for the end. */
const CONTACT_SECONDS = 300;
/** Reads of the kernel log, one at once after the other: a longer wait would leave a livepatch on that nobody judges. */
const LOG_READS = 2;
/** A health command that fails once may be ill itself. */
const HEALTH_FAILURES = 2;
/** Keys kept of the reports that a release was taken back for. */
const BLAMED_MAX = 50;

interface Finding {
  readonly code: AgentCode;
  readonly what: string;
  readonly remedy?: string;
  readonly reports?: readonly string[];
}

/**
 * Watches a release for its soak time, by seconds since boot: an agent that is started again goes on where it was. Anything
 * that this host did not have before fails the release; the plan then takes it back.
 */
export async function soak(run: Run, release: ReleaseRef): Promise<void> {
  const { kernel, clock } = run.doors;
  // Neither the host's own word nor the online key makes it shorter than what was signed.
  const end = run.journal.since + Math.max(run.limits.soakSeconds, run.journal.leastSoak);
  const hung = new HungTasks(release.moduleName, await kernel.replaced(release.moduleName));
  let ill = 0;
  let asked = Number.NEGATIVE_INFINITY;
  for (;;) {
    const uptime = await kernel.uptime();
    if (uptime - asked >= CONTACT_SECONDS) {
      asked = uptime;
      await contact(run);
      // Who watches for an hour must not look dead.
      await run.doors.tell?.(run.journal);
      if (isBad(run.journal, release)) return;
      const back = typeof run.archive === 'object' ? calledBack(run.archive.rollout, await run.observe()) : null;
      if (back !== null) return fail(run, release, { code: 'rollout-halted', what: back });
    }
    await obeyRequest(run);
    if (run.journal.state !== 'soaking' || (await run.doors.level()) === 'stop') return;
    const seen = await inTime(look(run, release, hung)).catch((error: unknown) => {
      if (!hasCode(error, 'task-hung')) throw error;
      return { off: false, unwell: null, finding: { code: 'task-hung' as const, what: error.message } };
    });
    if (seen.off) return;
    ill = seen.unwell === null ? 0 : ill + 1;
    const sick =
      ill >= HEALTH_FAILURES
        ? { code: 'health-failed' as const, what: `the health command says: ${seen.unwell}` }
        : null;
    const finding = seen.finding ?? sick;
    if (finding !== null) return fail(run, release, finding);
    if (uptime >= end && ill === 0) return accept(run, release);
    await clock.sleep(Math.max(1_000, Math.min(LOOK_MS, (end - uptime) * 1000)));
  }
}

/** One look: is it still on, is the host well by its operator's word, and what do the log and its tasks say? */
async function look(
  run: Run,
  release: ReleaseRef,
  hung: HungTasks,
): Promise<{ off: boolean; unwell: string | null; finding: Finding | null }> {
  const { kernel, health } = run.doors;
  const found = (await kernel.livepatches()).find(({ name }) => name === release.moduleName);
  if (found?.enabled !== true || found.transition) return { off: true, unwell: null, finding: null };
  const unwell = await health();
  return { off: false, unwell, finding: (await judged(run, release)) ?? (await hung.look(kernel)) };
}

/** What the kernel reported that this host did not report before; a log that cannot be read says nothing good. */
async function judged(run: Run, { moduleName }: ReleaseRef): Promise<Finding | null> {
  const { kernel } = run.doors;
  let log: HostLog | undefined;
  let failure: unknown;
  for (let i = 0; i < LOG_READS && log === undefined; i += 1)
    log = await readHostLog(kernel).catch((error: unknown) => {
      failure = error;
      return undefined;
    });
  if (log === undefined)
    return {
      code: 'kernel-log-unreadable',
      what: `it could not be judged: ${messageOf(failure)}`,
      remedy: 'make /dev/kmsg readable for the agent; a later release is loaded then',
    };
  const replaced = await kernel.replaced(moduleName);
  const findings = judge(log, { moduleName, replaced, baseline: run.journal.baseline });
  const [worst] = findings;
  if (worst === undefined) return null;
  const what = `the kernel reported: ${worst.report.title} (${worst.blame.reasons[0]?.text ?? worst.blame.level})`;
  return { code: 'kernel-report', what, reports: findings.map(({ report }) => report.key) };
}

async function fail(run: Run, release: ReleaseRef, { code, what, remedy, reports = [] }: Finding): Promise<void> {
  const keys = [...new Set(reports)].slice(0, BLAMED_MAX);
  await run.record(withFailure(run.journal, release, 'reverted', what, keys));
  run.complain(
    new AgentError(code, 'patch', {
      what: `release ${release.number} is taken back: ${what}`,
      where: release.moduleName,
      remedy: remedy ?? 'see the kernel log of this host; a later release is tried again',
    }),
  );
}

async function accept(run: Run, release: ReleaseRef): Promise<void> {
  const journal = accepted(run.journal, release);
  await run.record(journal);
  const keep = new Set(journal.accepted.map(({ sha256 }) => sha256));
  await run.doors.store.prune(keep).catch(() => undefined); // Space is no safety.
}
