import { StageError } from '#domain';
import type { Doors, RunLimits } from './doors.ts';
import type { Journal } from './journal.ts';
import type { ArchiveView, Observation } from './plan/observation.ts';

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
    const before = this.journal;
    this.journal = journal;
    this.resumed = false;
    if (journal.state !== before.state) await this.doors.tell?.(journal);
  }

  /**
   * The same for what has happened already: a disk that is full must not keep a bad livepatch in the kernel. What is not
   * written is found again from the kernel.
   */
  async record(journal: Journal): Promise<void> {
    this.journal = journal;
    this.resumed = false;
    await this.doors.journal.write(journal).catch((error: unknown) => this.complain(error));
  }

  /** Keeps the first thing that went wrong, for what follows is its consequence; but a network that is away hides nothing. */
  complain(error: unknown): void {
    if (!(error instanceof StageError)) throw error;
    if (this.problem === null || (this.problem.fault === 'network' && error.fault !== 'network')) this.problem = error;
  }
}
