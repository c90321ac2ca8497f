import { type CveId, type Decision, inForce, type Priority } from '#domain';
import type { Clock } from '#host';
import {
  analyze,
  countTriagedKernels,
  type Db,
  decisionsOf,
  duePriorities,
  inTransaction,
  lockPriorities,
  putPredictions,
  putPriorities,
  type RankedCve,
  rankedCves,
  type SignalRow,
  type Store,
  signalsOf,
  unpredicted,
} from '#store';
import { classRank, type PersonalView, predictHigh, rank, shippedModel } from '#triage';

/** From so many CVEs on everything is read at once: lists of ids cost more than the rest they save. */
const MANY = 3_000;

/**
 * Ranks every CVE whose priority is missing or out of date: record, score, signals, decisions, exposure → priority.
 * All in one transaction; readers see the old order or the new. Returns how many were ranked.
 */
export async function rankDue({
  store,
  clock,
  signal,
}: {
  store: Store;
  clock: Clock;
  signal?: AbortSignal;
}): Promise<number> {
  signal?.throwIfAborted();
  const now = clock.now();
  return inTransaction(store.db, async (tx) => {
    // What is marked while we rank must find us done, or be seen: else its mark would be overwritten.
    await lockPriorities(tx);
    const due = await duePriorities(tx, now);
    if (due.length === 0) return 0;
    const cves = due.length < MANY ? due : 'all';
    await predict(tx, cves);
    signal?.throwIfAborted();
    const wanted = new Set(due);
    const rows = (await explained(tx, cves, now)).filter(({ priority }) => wanted.has(priority.cve));
    signal?.throwIfAborted();
    await putPriorities(
      tx,
      rows.map(({ priority, decisions }) => ({
        priority,
        classRank: classRank(priority.class),
        until: endOf(decisions, now),
      })),
    );
    if (cves === 'all') await analyze(tx);
    return rows.length;
  });
}

/** A priority told anew, with what it was made of. */
export interface Explained {
  readonly priority: Priority;
  readonly signals: readonly SignalRow[];
  readonly decisions: readonly Decision[];
  /** Predicted probability that the CNA would score it HIGH or above. */
  readonly predicted: number;
}

/** The priorities of CVEs at this time, with every term; nothing is stored. */
export async function explained(db: Db, cves: readonly CveId[] | 'all', now: Date): Promise<Explained[]> {
  const rows = await rankedCves(db, cves);
  const signals = await signalsOf(db, cves);
  const decisions = await decisionsOf(db, cves);
  const kernels = await countTriagedKernels(db);
  return rows.map((row) => explain(row, signals.get(row.id) ?? [], decisions.get(row.id) ?? [], kernels, now));
}

function explain(
  row: RankedCve,
  signals: readonly SignalRow[],
  decisions: readonly Decision[],
  kernels: number,
  now: Date,
): Explained {
  const { id, state, files, cvssVector, score, announced, predicted, affected, open, loadedNowhere } = row;
  const exposure = kernels === 0 ? null : { affected, open, kernels, loadedNowhere };
  const record = { id, state, files, cvssVector };
  const person = personalView(decisions, now);
  const priority = rank({ record, score, predicted, signals, person, exposure, announced }, now);
  return { priority, signals, decisions, predicted };
}

/** Predicts for every text the model has not seen: a score that comes later does not need it, a reader may. */
async function predict(tx: Db, cves: readonly CveId[] | 'all'): Promise<void> {
  const model = shippedModel();
  const texts = await unpredicted(tx, model.name, cves);
  const rows = texts.map(({ cve, textMd5, ...text }) => {
    return { cve, textMd5, model: model.name, probability: predictHigh(model, text) };
  });
  await putPredictions(tx, rows);
}

function personalView(decisions: readonly Decision[], now: Date): PersonalView {
  const current = decisions.filter((decision) => inForce(decision, now));
  const severity = current.findLast(({ kind }) => kind === 'severity');
  const accept = current.findLast(({ kind }) => kind === 'accept');
  return {
    severity: severity === undefined ? null : { score: severity.score ?? 0, by: severity.author },
    accepted: accept === undefined || accept.until === null ? null : { until: accept.until, by: accept.author },
  };
}

/** When the first of the decisions that count ends by itself, and the priority with it. */
function endOf(decisions: readonly Decision[], now: Date): Date | null {
  const ends = decisions
    .filter((one) => one.kind !== 'mitigation' && inForce(one, now))
    .flatMap(({ until }) => until ?? []);
  return ends.toSorted((a, b) => a.getTime() - b.getTime())[0] ?? null;
}
