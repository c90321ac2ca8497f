import { fromKysely, PgBoss } from 'pg-boss';
import { StoreError } from './error.ts';
import type { Db, Store } from './store.ts';

const SCHEMA = 'tuxtape_queue';
const KERNEL_BUILDS = 'kernel-build';
/** A worker that is silent for so long has lost its lease. */
const LEASE_SECONDS = 12;
/** The longest lease and the most retries the queue takes: how long and how often is decided by our own tables. */
const LONGEST_SECONDS = 24 * 3_600 - 1;
const RETRIES = 1_000_000;
/** A job that waits is not forgotten for a year. */
const KEPT_WAITING_SECONDS = 365 * 86_400;

/** One turn of a worker at a job; the count tells it from another worker's turn at the same job. */
export interface Lease {
  readonly id: string;
  readonly retryCount: number;
}

/**
 * A queue of builds: leases and nothing else, in a schema of its own beside our tables (pg-boss). A job has the id of
 * its build. Methods that take a transaction commit with it.
 */
export interface BuildQueue {
  /** Of two jobs that wait the one of higher priority goes first, then the older. */
  send(tx: Db, id: string, priority?: number): Promise<void>;
  take(): Promise<Lease | undefined>;
  /** Says that the worker lives; false = the lease is gone. */
  keep(lease: Lease): Promise<boolean>;
  /** The job is over. */
  end(tx: Db, lease: Lease): Promise<void>;
  /** Hands the job to the next worker. */
  giveBack(tx: Db, lease: Lease): Promise<void>;
  drop(tx: Db, id: string): Promise<void>;
  /** Does this job wait for a worker, is it leased, or is it gone? */
  look(id: string): Promise<'waiting' | 'leased' | 'gone'>;
  /** Takes the leases of silent workers away. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

/** All queues of a database, behind one pair of statements a second. */
export interface Queues {
  /** The queue of this name (letters, digits, `-`, `_`, `.`), made on first use. Its `close` closes all. */
  of(name: string): Promise<BuildQueue>;
  close(): Promise<void>;
}

/** Opens the queue of kernel builds. Errors: migration-failed. */
export async function openQueue(store: Store): Promise<BuildQueue> {
  return (await openQueues(store)).of(KERNEL_BUILDS);
}

/** Opens the queues of the store's database; their schema is made on first use. Errors: migration-failed. */
export async function openQueues(store: Store): Promise<Queues> {
  const boss = new PgBoss({
    db: { executeSql: (text, values) => store.query(text, values) },
    schema: SCHEMA,
    supervise: false,
    schedule: false,
    registerInstance: false,
    monitorIntervalSeconds: 1,
  });
  // What its background statements meet, the next call meets, too, and says.
  boss.on('error', () => {});
  const close = (): Promise<void> => boss.stop({ graceful: false, close: false });
  const guarded = async (body: () => Promise<unknown>): Promise<void> => {
    try {
      await body();
    } catch (error) {
      await close().catch(() => undefined);
      throw new StoreError('migration-failed', 'input', {
        what: 'the queue could not be made in the database',
        where: store.where,
        remedy: `let DATABASE_URL name a user that may make the schema ${SCHEMA}`,
        cause: error,
      });
    }
  };
  await guarded(() => boss.start());
  const made = new Map<string, Promise<void>>();
  const of = async (name: string): Promise<BuildQueue> => {
    const making = made.get(name) ?? guarded(() => boss.createQueue(name, QUEUE_OPTIONS));
    made.set(name, making);
    await making;
    return queueOf(boss, name);
  };
  return { of, close };
}

const QUEUE_OPTIONS = {
  heartbeatSeconds: LEASE_SECONDS,
  expireInSeconds: LONGEST_SECONDS,
  retryLimit: RETRIES,
  retryDelay: 0,
  retentionSeconds: KEPT_WAITING_SECONDS,
};

function queueOf(boss: PgBoss, queue: string): BuildQueue {
  const within = (tx: Db): { db: ReturnType<typeof fromKysely> } => ({ db: fromKysely(tx) });
  return {
    send: async (tx, id, priority = 0) => {
      await boss.send(queue, {}, { id, priority, ...within(tx) });
    },
    take: async () => (await boss.fetch(queue, { includeMetadata: true })).map(toLease)[0],
    keep: async (lease) => affected(await boss.touch(queue, lease)) > 0,
    end: async (tx, lease) => {
      await boss.complete(queue, lease, null, within(tx));
    },
    giveBack: async (tx, lease) => {
      await boss.fail(queue, lease, null, within(tx));
    },
    drop: async (tx, id) => {
      await boss.cancel(queue, id, within(tx));
    },
    look: async (id) => {
      const [job] = await boss.findJobs(queue, { id });
      if (job?.state === 'active') return 'leased';
      return job?.state === 'created' || job?.state === 'retry' ? 'waiting' : 'gone';
    },
    sweep: () => boss.supervise(queue),
    close: () => boss.stop({ graceful: false, close: false }),
  };
}

/** The count that the library returns and its types leave out. */
function affected(response: { readonly affected?: number }): number {
  return response.affected ?? 0;
}

function toLease({ id, retryCount }: Lease): Lease {
  return { id, retryCount };
}
