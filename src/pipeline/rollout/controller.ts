import { randomUUID } from 'node:crypto';
import { hasCode, renderRolloutFile } from '#domain';
import type { Clock } from '#host';
import { type FleetPlan, type Positions, type Published, planFleet, rememberPositions } from '#rollout';
import {
  type RolloutSight,
  readRolloutSight,
  rolloutFiles,
  type Store,
  type StoredRolloutFile,
  storeRolloutRound,
} from '#store';
import { HostWatch } from './host-watch.ts';
import { type RolloutSigner, readRolloutText } from './signer.ts';

/** A controller that stood by takes over where no round was stored for so long, by its own monotonic clock. */
export const TAKEOVER_MS = 180_000;

export interface ControllerOptions {
  readonly store: Pick<Store, 'db'>;
  readonly signer: RolloutSigner;
  readonly clock: Clock;
}

/** A round between others may lose against theirs, each time with the newest word before it. */
const TRIES = 5;

/** `standby`: another controller plans; nothing was done. */
export type RoundResult = { readonly did: 'standby' } | { readonly did: 'round'; readonly plan: FleetPlan };

interface Seen {
  readonly sight: RolloutSight;
  readonly published: readonly string[];
  readonly plan: FleetPlan;
}

/**
 * Runs the rollouts: observe from the store and the archive → plan → store it whole → sign and publish what is stored. Killed at any
 * instant, the next round begins with what was stored, and publishes what was not yet. It keeps nothing but how long it has watched.
 */
export class RolloutController {
  readonly id = randomUUID();
  readonly #options: ControllerOptions;
  readonly #watch: HostWatch;
  readonly #positions: Positions = rememberPositions();
  /** The last round of this controller. */
  #last: { readonly revision: number; readonly atMs: number } | null = null;
  /** The newest revision it saw, and when it saw it first. */
  #noticed: { readonly revision: number; readonly atMs: number } | null = null;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#watch = new HostWatch(options.clock);
  }

  /** What a round would do now. Nothing is stored or signed. */
  async plan(): Promise<FleetPlan> {
    return (await this.#see()).plan;
  }

  /** A round, unless another controller is at it. Errors: rollout-fenced, file-outdated, file-unreadable, those of the store. */
  async tick(): Promise<RoundResult> {
    const nowMs = this.#options.clock.monotonicMs();
    const seen = await this.#see();
    const { revision, holder } = seen.sight;
    if (this.#noticed?.revision !== revision) this.#noticed = { revision, atMs: nowMs };
    const isOthers = holder !== null && holder !== this.id;
    // An archive that is ahead of the store is stopped by whoever sees it.
    const isFenced = seen.plan.steps.some((step) => step.do === 'fence');
    if (isOthers && !isFenced && nowMs - this.#noticed.atMs < TAKEOVER_MS) return { did: 'standby' };
    return { did: 'round', plan: await this.#execute(seen, this.id) };
  }

  /** A round now, between those of whoever holds the time: a stop that a person asked for waits for nobody. Errors: as `tick`. */
  async roundBetween(): Promise<FleetPlan> {
    for (let left = TRIES; ; left -= 1) {
      try {
        return await this.#execute(await this.#see(), null);
      } catch (error) {
        if (left <= 1 || !hasCode(error, 'rollout-fenced')) throw error;
      }
    }
  }

  async #see(): Promise<Seen> {
    const { store, signer, clock } = this.#options;
    const atMs = clock.monotonicMs();
    // The archive first: what is published after it was read was stored after it, and then the revision is another.
    const published = await signer.published();
    const sight = await readRolloutSight(store);
    const isOurs = this.#last !== null && this.#last.revision === sight.revision;
    const plan = planFleet(
      {
        ...{ serial: sight.serial, rollouts: sight.rollouts, published: compare(published, sight.files) },
        hosts: this.#watch.observe(sight.hosts),
        commands: sight.commands.map(({ command }) => command),
        elapsedMs: isOurs ? atMs - this.#last!.atMs : 0,
        now: clock.now(),
      },
      this.#positions,
    );
    return { sight, published, plan };
  }

  async #execute({ sight, published, plan }: Seen, holder: string | null): Promise<FleetPlan> {
    const { store, clock } = this.#options;
    const atMs = clock.monotonicMs();
    const made: StoredRolloutFile[] = plan.files.map((file) => ({
      ...{ buildId: file.buildId, serial: file.serial, content: renderRolloutFile(file) },
    }));
    const revision = await storeRolloutRound(store.db, sight, {
      ...{ at: clock.now(), holder, serial: plan.serial, steps: plan.steps, rollouts: plan.rollouts, files: made },
      taken: sight.commands.map(({ id }) => id),
    });
    this.#last = { revision, atMs };
    for (const file of withoutOlder(sight.files, made))
      if (!published.includes(file.content)) await this.#publish(file);
    return plan;
  }

  /** What another controller stored and published since is later, and as good. Errors: file-outdated, where nobody stored it. */
  async #publish({ buildId, content }: StoredRolloutFile): Promise<void> {
    const { store, signer } = this.#options;
    const file = readRolloutText(content, buildId);
    try {
      await signer.publish(file, content);
    } catch (error) {
      const newest = (await rolloutFiles(store.db)).find((one) => one.buildId === buildId);
      if (!hasCode(error, 'file-outdated') || newest === undefined || newest.serial <= file.serial) throw error;
    }
  }
}

/** The newest stored file of each kernel. */
function withoutOlder(
  stored: readonly StoredRolloutFile[],
  made: readonly StoredRolloutFile[],
): readonly StoredRolloutFile[] {
  return [...new Map([...stored, ...made].map((file) => [file.buildId, file])).values()];
}

/** What is published against what the store says was: a later serial, or another file of the same, is not ours. */
function compare(published: readonly string[], files: readonly StoredRolloutFile[]): Published[] {
  return published.map((content) => {
    const { buildId, serial, rollouts } = readRolloutText(content, 'the archive');
    const stored = files.find((file) => file.buildId === buildId);
    return {
      ...{ buildId, serial, rollouts },
      same: stored !== undefined && (serial < stored.serial || content === stored.content),
    };
  });
}
