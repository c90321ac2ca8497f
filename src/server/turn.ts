import { StageError } from '#domain';
import { type Logger, systemClock } from '#host';
import { runPipeline, type SignalSettings, signalDoor, syncFeed, syncSignals, triageAll } from '#pipeline';
import { openQueues, type Store } from '#store';

/** What the server reads by itself, and where it is kept. */
export interface TurnSettings {
  readonly data: string;
  readonly lore: string;
  readonly vulns: string;
  readonly signals: SignalSettings;
  /** Seconds after which a host's list of modules says nothing any more. */
  readonly hostListSeconds?: number | undefined;
  /** Source of fixes, for policies that name none; null: none is configured. */
  readonly fixes: string | null;
  /** Compilations at once. */
  readonly jobs: number;
  /** Livepatches are made by builders that lease them from this server. */
  readonly builders: boolean;
  /** Aborted when the server stops. */
  readonly stopped: AbortSignal;
}

/**
 * Reads what is new, decides for every kernel, reads the signals. Each step goes its own way: one source that fails must
 * not leave what another brought undecided, and what a command or an earlier process brought is decided here, too.
 */
export async function turn(store: Store, settings: TurnSettings, log: Logger): Promise<void> {
  const { data: dataDirectory, lore, vulns } = settings;
  const options = { store, clock: systemClock, dataDirectory, lore, vulns };
  await step('sync', log, async () => log.info(await syncFeed(options), 'synced'));
  await catchUp(store, settings, log);
}

/** Decides what was brought before, reads the signals that are due, and does what the policies of kernels let the machine do. */
export async function catchUp(store: Store, settings: TurnSettings, log: Logger): Promise<void> {
  await step('triage', log, () => triageAll({ store, clock: systemClock, hostListSeconds: settings.hostListSeconds }));
  await step('signals', log, () => readSignals(store, settings, log));
  await step('pipeline', log, () => work(store, settings, log));
}

async function work(store: Store, { data, fixes, jobs, stopped, builders }: TurnSettings, log: Logger): Promise<void> {
  const onStep = (kernel: string, what: string): void => log.info({ kernel, what }, 'autopilot');
  const options = { store, dataDirectory: data, fixes, jobs, clock: systemClock, signal: stopped, onStep };
  if (!builders) {
    await runPipeline(options);
    return;
  }
  const queues = await openQueues(store);
  try {
    await runPipeline({ ...options, builders: { store, queues, clock: systemClock } });
  } finally {
    await queues.close();
  }
}

/** Runs a part of the background work; what fails is logged, and the next turn tries it again. */
export async function step(name: string, log: Logger, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    const code = error instanceof StageError ? String(error.code) : 'internal';
    log.warn({ error, code, step: name }, `${name} failed; it is tried again at the next turn`);
  }
}

/** Reads the signals that are due and ranks what changed. One source that fails stops nothing. */
async function readSignals(store: Store, { data, signals, stopped }: TurnSettings, log: Logger): Promise<void> {
  const door = signalDoor(stopped);
  const options = { store, dataDirectory: data, settings: signals, clock: systemClock, door };
  for (const outcome of await syncSignals(options)) {
    if (outcome.state === 'failed')
      log.warn({ source: outcome.source, code: outcome.error.code }, outcome.error.message);
    else if (outcome.state === 'read') log.info(outcome, 'signals read');
  }
}
