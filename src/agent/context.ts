import { StageError } from '#domain';
import type { Doors, RunLimits } from './doors.ts';
import { AgentError } from './error.ts';
import type { Journal } from './journal.ts';
import type { ArchiveView, Observation } from './plan/observation.ts';

/** A look at the host that takes longer has a thread that the kernel does not give back: what is loaded may be why. */
const LOOK_MS = 120_000;

/** Errors: task-hung, after `LOOK_MS`. */
export async function inTime<T>(look: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const what = `the agent itself got stuck for ${LOOK_MS / 1000} s while it looked at this host`;
      reject(new AgentError('task-hung', 'patch', { what, remedy: 'see the kernel log of this host' }));
    }, LOOK_MS);
  });
  try {
    return await Promise.race([look, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What one run knows and changes. */
export class Run {
  readonly doors: Doors;
  readonly limits: RunLimits;
  readonly buildId: string;
  journal: Journal;
  archive: ArchiveView = 'not-asked';
  readonly refused = new Set<string>();
  readonly kept = new Set<string>();
  resumed = true;
  problem: StageError | null = null;

  constructor(doors: Doors, limits: RunLimits, buildId: string, journal: Journal) {
    this.doors = doors;
    this.limits = limits;
    this.buildId = buildId;
    this.journal = journal;
  }

  async observe(): Promise<Observation> {
    const { kernel, store, level, cleanBoot } = this.doors;
    return {
      bootId: await kernel.bootId(),
      uptime: await kernel.uptime(),
      buildId: this.buildId,
      journal: this.journal,
      loaded: await kernel.livepatches(),
      modules: await kernel.modules(),
      cleanBoot: await cleanBoot(),
      level: await level(),
      graceSeconds: this.limits.graceSeconds,
      now: this.doors.clock.now(),
      cohort: this.doors.cohort,
      archive: this.archive,
      stored: await store.list(),
      refused: this.refused,
      kept: this.kept,
      resumed: this.resumed,
    };
  }

  /** The new journal, on the disk. Where it cannot be written nothing that follows may be done. */
  async commit(journal: Journal): Promise<void> {
    await this.doors.journal.write(journal);
    this.journal = journal;
    this.resumed = false;
  }

  /**
   * The same for what has happened already: a disk that is full must not keep a bad livepatch in the kernel. What is not
   * written is found again from the kernel.
   */
  async record(journal: Journal): Promise<void> {
    this.resumed = false;
    await this.note(journal);
  }

  /** The same, of what an earlier run left: it stays what an earlier run left. */
  async note(journal: Journal): Promise<void> {
    this.journal = journal;
    await this.doors.journal.write(journal).catch((error: unknown) => this.complain(error));
  }

  /** Keeps the first thing that went wrong, for what follows is its consequence; but a network that is away hides nothing. */
  complain(error: unknown): void {
    if (!(error instanceof StageError)) throw error;
    if (this.problem === null || (this.problem.fault === 'network' && error.fault !== 'network')) this.problem = error;
  }
}
