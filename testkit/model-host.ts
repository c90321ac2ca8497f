import type { IndexedRelease, PaceFloors, Recall } from '#domain';
import { sha256 } from '#host';
import { TrustError } from '#trust';
import type { AgentRequest, Doors, RunLimits } from '../src/agent/doors.ts';
import { emptyJournal, type Journal } from '../src/agent/journal.ts';
import { parseJournal } from '../src/agent/journal-form.ts';
import type { Level } from '../src/agent/level.ts';
import type { RolloutView } from '../src/agent/plan/observation.ts';
import { type RunResult, runOnce } from '../src/agent/run.ts';
import { BUILD_ID, RELEASE } from './archive.ts';
import { type Behaviour, jumpingClock, ModelKernel, PowerCut } from './model-kernel.ts';

const LIMITS: RunLimits = { soakSeconds: 60, graceSeconds: 10, transitionSeconds: 30 };

/** A host, its disk and its archive in memory: thousands of lives in a second. Power can go at any effect. */
export class ModelHost {
  readonly kernel = new ModelKernel();
  readonly releases: IndexedRelease[] = [];
  readonly recalls: Recall[] = [];
  readonly modules = new Map<string, Buffer>();
  /** Floors that release keys signed; null: none. */
  floors: PaceFloors | null = null;
  /** What the archive says of rollouts. */
  rollout: RolloutView = null;
  me = { id: 'host-0', ring: 'default', counted: null as number | null, follows: false };
  level: Level = 'normal';
  reachable = true;
  limits = LIMITS;
  request: AgentRequest | null = null;
  cleanBoot: string | null = null;
  /** What is on the disk. */
  disk: string | null = null;
  readonly store = new Map<string, Buffer>();
  /** Recalls that the agent was told of. */
  readonly told = new Set<number>();
  /** Effects until the power goes, or the agent is killed; null: never. */
  fuse: number | null = null;
  #dead = false;

  constructor() {
    this.kernel.before = () => this.#effect();
  }

  #effect(): void {
    if (this.#dead) throw new PowerCut();
    if (this.fuse === null) return;
    this.fuse -= 1;
    if (this.fuse >= 0) return;
    this.fuse = null;
    this.#dead = true;
    throw new PowerCut();
  }

  publish(name: string, behaviour: Behaviour = {}): IndexedRelease {
    const module = Buffer.from(`module ${name}`.repeat(3));
    this.kernel.behaviours.set(name, behaviour);
    const number = this.releases.length + 1;
    const common = { buildId: BUILD_ID, kernelRelease: RELEASE, moduleName: name, number, cves: [], functions: [] };
    const release = { ...common, path: `${number}.ko`, sha256: sha256(module), length: module.length };
    this.releases.push(release);
    this.modules.set(release.sha256, module);
    return release;
  }

  recall({ number }: IndexedRelease): void {
    this.recalls.push({ number, reason: 'it is bad', at: '2026-11-03T09:00:00Z', by: 'jane' });
  }

  journal(): Journal {
    return (this.disk === null ? undefined : parseJournal(this.disk, 'none')) ?? emptyJournal('none');
  }

  /** One run of the agent; undefined where it was cut off. */
  async run(): Promise<RunResult | undefined> {
    this.#dead = false;
    try {
      return await runOnce(this.#doors(), this.limits);
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      return undefined;
    }
  }

  reboot(clean: boolean): void {
    this.cleanBoot = clean ? `boot ${this.kernel.boots}` : this.cleanBoot;
    this.kernel.reboot();
  }

  #doors(): Doors {
    const { kernel } = this;
    const clock = jumpingClock(kernel);
    return {
      kernel,
      clock: { ...clock, sleep: (ms) => this.#guarded(() => clock.sleep(ms)) },
      journal: {
        read: (bootId) => Promise.resolve(this.disk === null ? emptyJournal(bootId) : parseJournal(this.disk, bootId)!),
        // A cut before the rename leaves the old journal, one after it the new.
        write: (journal) =>
          this.#guarded(async () => {
            this.disk = JSON.stringify(journal);
            await this.#guarded(() => Promise.resolve());
          }),
      },
      archive: {
        contact: () => {
          if (!this.reachable) return Promise.reject(new TrustError('archive-offline', 'network', { what: 'away' }));
          for (const { number } of this.recalls) this.told.add(number);
          const { releases, recalls } = this;
          const index = {
            version: 1 as const,
            buildId: BUILD_ID,
            kernelRelease: RELEASE,
            releases: [...releases],
            recalls,
            ...(this.floors === null ? {} : { floors: this.floors }),
          };
          return Promise.resolve({ index, rollout: this.rollout, expires: '2030-01-01T00:00:00Z' });
        },
        obtain: async (release) => {
          if (!this.reachable) throw new TrustError('archive-offline', 'network', { what: 'away' });
          await this.#guarded(() => Promise.resolve());
          this.store.set(release.sha256, this.modules.get(release.sha256)!);
        },
        verify: () => Promise.resolve(),
      },
      store: {
        list: () => Promise.resolve(new Set(this.store.keys())),
        read: (sha256) => Promise.resolve(this.store.get(sha256)),
        prune: (keep) => {
          for (const name of this.store.keys()) if (!keep.has(name)) this.store.delete(name);
          return Promise.resolve();
        },
      },
      level: () => Promise.resolve(this.level),
      cleanBoot: () => Promise.resolve(this.cleanBoot),
      me: () => Promise.resolve(this.me),
      precheck: () => Promise.resolve([]),
      health: () => Promise.resolve(null),
      requests: {
        read: () => Promise.resolve(this.request),
        done: () => {
          this.request = null;
          return Promise.resolve();
        },
      },
    };
  }

  async #guarded(body: () => Promise<void>): Promise<void> {
    this.#effect();
    await body();
  }
}
