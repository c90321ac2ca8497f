import { indexPath, messageOf, parseReleaseIndex, type Release, type ReleaseIndex } from '#domain';
import type { Clock } from '#host';
import { openArchive, type TrustedArchive } from '#trust';
import { AgentError } from './error.ts';
import { baselineOf, type HostLog, judge, readHostLog } from './judge.ts';
import type { KernelDoor } from './kernel-door.ts';
import { type Plan, plan, planUnfinished, type UnfinishedPlan } from './plan.ts';
import { type AgentState, type Journal, type ReleaseRef, readJournal, writeJournal } from './state.ts';

const MAX_INDEX_BYTES = 4 << 20;
const MAX_MODULE_BYTES = 64 << 20;
const TRANSITION_TIMEOUT_MS = 60_000;
const REVERSE_TIMEOUT_MS = 60_000;
const STEP_MS = 250;
/** Reads of the kernel log, one at once after the other: a longer wait would leave a livepatch on that nobody judges. */
const LOG_READS = 2;
/** Keys kept of the reports that a release was taken back for. */
const BLAMED_MAX = 50;

export interface PollOptions {
  readonly url: string;
  readonly root: Buffer;
  /** Folder of the agent's own state: journal and metadata. */
  readonly state: string;
  readonly soakMs: number;
  readonly kernel: KernelDoor;
  readonly clock: Clock;
}

export interface PollResult {
  readonly state: AgentState;
  readonly release: ReleaseRef | null;
  /** What was decided, in words. */
  readonly note: string;
}

/**
 * One poll: look, decide, do one thing, report. Every step that touches the kernel is in the journal, synced, before it is
 * done. Errors: those of #trust; unknown-kernel, release-mismatch, load-failed, transition-stalled, kernel-report,
 * kernel-log-unreadable, quarantined.
 */
export async function poll(options: PollOptions, onContact: (expires: string) => void): Promise<PollResult> {
  const { kernel } = options;
  const bootId = await kernel.bootId();
  const buildId = await kernel.buildId();
  const journal = await readJournal(options.state, bootId);
  const loaded = await kernel.livepatches();
  const steps = new Steps(options, { ...journal, bootId, baseline: journal.bootId === bootId ? journal.baseline : [] });
  const unfinished = planUnfinished({ bootId, journal, loaded });
  if (unfinished !== null) return steps.finish(unfinished);
  const archive = await openArchive(options);
  onContact(archive.expires);
  const index = await readIndex(archive, buildId);
  return steps.execute(plan({ bootId, journal, loaded, index }), archive, buildId);
}

async function readIndex(archive: TrustedArchive, buildId: string): Promise<ReleaseIndex | null> {
  const found = await archive.read(indexPath(buildId), MAX_INDEX_BYTES);
  if (found === undefined) return null;
  const index = parseReleaseIndex(found.content.toString('utf8'));
  if (index === undefined) throw mismatch(`the index of ${buildId} is not in the form of an index`);
  const foreign = index.buildId !== buildId || index.releases.some((release) => release.buildId !== buildId);
  if (foreign) throw mismatch(`the index of ${buildId} lists releases of another kernel`);
  return index;
}

function mismatch(what: string): AgentError {
  return new AgentError('release-mismatch', 'untrusted', {
    what,
    remedy: 'nothing was loaded; ask who runs the archive',
  });
}

/** The executors: one for each step a plan can name. */
class Steps {
  readonly #options: PollOptions;
  #journal: Journal;

  constructor(options: PollOptions, journal: Journal) {
    this.#options = options;
    this.#journal = journal;
  }

  async finish(decided: UnfinishedPlan): Promise<PollResult> {
    const { release } = decided;
    if (decided.step === 'watch') return this.#watch(release);
    await this.#fail('quarantined', release, decided.why);
    throw new AgentError('quarantined', 'patch', {
      what: `release ${release.number} is not loaded again: ${decided.why}`,
      where: release.moduleName,
    });
  }

  async execute(decided: Plan, archive: TrustedArchive, buildId: string): Promise<PollResult> {
    switch (decided.step) {
      case 'unknown-kernel':
        throw new AgentError('unknown-kernel', 'input', {
          what: `the archive does not serve this kernel (build-id ${buildId})`,
          remedy: 'add the kernel to TuxTape and subscribe it; until then its exposure is unknown, not none',
        });
      case 'nothing':
      case 'wait':
        return { state: this.#journal.state, release: this.#journal.release, note: decided.why };
      case 'accept':
        await this.#write('accepted', decided.release);
        return { state: 'accepted', release: decided.release, note: 'the newest release is loaded' };
      default:
        return this.#load(decided, archive, buildId);
    }
  }

  async #load(decided: Extract<Plan, { step: 'load' }>, archive: TrustedArchive, buildId: string): Promise<PollResult> {
    const { release, path, length } = decided;
    const found = await archive.read(path, Math.min(MAX_MODULE_BYTES, length));
    if (found === undefined) throw mismatch(`the index names ${path}, which the archive's metadata does not have`);
    await this.#write('downloaded', release);
    const signed = found.custom['release'] as Release | undefined;
    if (signed?.buildId !== buildId || signed.moduleName !== release.moduleName || signed.number !== release.number) {
      throw mismatch(`${path} is signed for build-id ${signed?.buildId ?? 'none'}, this host runs ${buildId}`);
    }
    await this.#write('verified', release);
    // Kept over a restart of the agent: what the kernel reports from here on is laid to this release.
    this.#journal = { ...this.#journal, baseline: await this.#ownReports() };
    await this.#write('loading', release);
    try {
      await this.#options.kernel.load(found.content, this.#options.state);
    } catch (error) {
      await this.#fail('quarantined', release, messageOf(error));
      throw error;
    }
    return this.#watch(release);
  }

  /** Waits for the transition, then for the soak; takes the livepatch off when either goes wrong. Never forces. */
  async #watch(release: ReleaseRef): Promise<PollResult> {
    await this.#write('transitioning', release);
    const name = release.moduleName;
    if (!(await this.#settles(name, TRANSITION_TIMEOUT_MS))) {
      const blockers = await this.#options.kernel.blockers(name);
      await this.#revert(release, 'its transition did not complete');
      throw new AgentError('transition-stalled', 'patch', {
        what: `the transition stalled and was reversed; blocked by ${blockers.slice(0, 5).join('; ') || 'nobody seen'}`,
        where: name,
      });
    }
    await this.#write('soaking', release);
    await this.#options.clock.sleep(this.#options.soakMs);
    await this.#judge(release);
    await this.#write('accepted', release);
    return {
      state: 'accepted',
      release,
      note: `release ${release.number} is loaded and was watched for ${this.#options.soakMs / 1000} s`,
    };
  }

  /** True once the livepatch is enabled and no transition runs; false after the deadline (monotonic clock). */
  async #settles(name: string, timeoutMs: number): Promise<boolean> {
    const { kernel, clock } = this.#options;
    for (const deadline = clock.monotonicMs() + timeoutMs; clock.monotonicMs() < deadline; await clock.sleep(STEP_MS)) {
      const found = (await kernel.livepatches()).find((loaded) => loaded.name === name);
      if (found?.enabled === true && !found.transition) return true;
    }
    return false;
  }

  async #revert(release: ReleaseRef, why: string, reports: readonly string[] = []): Promise<void> {
    const { kernel, clock } = this.#options;
    await kernel.disable(release.moduleName);
    for (
      const deadline = clock.monotonicMs() + REVERSE_TIMEOUT_MS;
      clock.monotonicMs() < deadline;
      await clock.sleep(STEP_MS)
    ) {
      const found = (await kernel.livepatches()).find((loaded) => loaded.name === release.moduleName);
      if (found === undefined || (!found.enabled && !found.transition)) break;
    }
    await this.#fail('reverted', release, why, reports);
  }

  /** Takes the livepatch back when the kernel reported something that this host did not before. */
  async #judge(release: ReleaseRef): Promise<void> {
    const { kernel } = this.#options;
    const { moduleName } = release;
    const log = await this.#logAfter(release);
    const replaced = await kernel.replaced(moduleName);
    const findings = judge(log, { moduleName, replaced, baseline: this.#journal.baseline });
    const [worst] = findings;
    if (worst === undefined) return;
    const what = `${worst.report.title} (${worst.blame.reasons[0]?.text ?? worst.blame.level})`;
    const keys = findings.map(({ report }) => report.key);
    await this.#revert(release, `the kernel reported: ${what}`, keys);
    throw new AgentError('kernel-report', 'patch', {
      what: `the livepatch was taken back: ${what}`,
      where: moduleName,
    });
  }

  /** The log after the load. Takes the livepatch back where it cannot be read: nothing says then that it does no harm. */
  async #logAfter(release: ReleaseRef): Promise<HostLog> {
    let failure: unknown;
    for (let i = 0; i < LOG_READS; i += 1) {
      try {
        return await readHostLog(this.#options.kernel);
      } catch (error) {
        failure = error;
      }
    }
    const what = `it could not be judged: ${messageOf(failure)}`;
    await this.#revert(release, what);
    throw new AgentError('kernel-log-unreadable', 'input', {
      what: `the livepatch was taken back: ${what}`,
      where: release.moduleName,
      remedy: 'make /dev/kmsg readable for the agent; a later release is loaded then',
      cause: failure,
    });
  }

  async #ownReports(): Promise<readonly string[]> {
    const { baseline, failed } = this.#journal;
    const blamed = failed.flatMap(({ reports }) => reports ?? []);
    return baselineOf(await readHostLog(this.#options.kernel), baseline, blamed);
  }

  async #write(state: AgentState, release: ReleaseRef): Promise<void> {
    this.#journal = { ...this.#journal, state, release };
    await writeJournal(this.#options.state, this.#journal);
  }

  async #fail(state: AgentState, release: ReleaseRef, why: string, reports: readonly string[] = []): Promise<void> {
    const failed = [
      ...this.#journal.failed.filter(({ sha256 }) => sha256 !== release.sha256),
      { sha256: release.sha256, number: release.number, why, reports: [...new Set(reports)].slice(0, BLAMED_MAX) },
    ];
    this.#journal = { ...this.#journal, state, release, failed };
    await writeJournal(this.#options.state, this.#journal);
  }
}
