import type { CveRecord, Fleet, Profile } from '#domain';
import type { Clock } from '#host';
import { KernelError } from '#kernel';
import {
  countVerdicts,
  type Db,
  type DecidedVerdict,
  type DueVerdict,
  dueVerdicts,
  inTransaction,
  type KernelRow,
  listKernels,
  lockKernel,
  markTriaged,
  overridesOf,
  proofsOf,
  type Store,
  storeVerdicts,
  type TriagedCve,
  triagedCves,
  triagedWith,
  type VerdictCount,
} from '#store';
import { decide, exposureOf, overridden } from '#triage';
import { fleetOf } from './fleet.ts';
import { profileOf } from './kernel.ts';
import { rankDue } from './rank.ts';
import { inputsOf, proverHash } from './triage-inputs.ts';

/** From so many CVEs on all of them are read at once, and kept for the next kernel. */
const MANY = 500;

export interface TriageOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Seconds after which a host's list of modules says nothing any more. */
  readonly hostListSeconds?: number | undefined;
}

/** Decides what is due for one kernel, ranks what changed, and counts all verdicts of the kernel. */
export async function triageKernel(options: TriageOptions & { readonly kernel: KernelRow }): Promise<VerdictCount[]> {
  await decideDue(options, options.kernel, new Records());
  await rankDue(options);
  return countVerdicts(options.store.db, options.kernel.id);
}

/**
 * Decides what is due for every kernel: with nothing new that is one question a kernel. A kernel whose profile cannot be
 * read stops no other; its error is thrown when all others are decided.
 */
export async function triageAll(options: TriageOptions): Promise<void> {
  const records = new Records();
  let failure: KernelError | null = null;
  for (const kernel of await listKernels(options.store.db)) {
    try {
      await decideDue(options, kernel, records);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      failure ??= error;
    }
  }
  await rankDue(options);
  if (failure !== null) throw failure;
}

/**
 * Decides the verdicts of a kernel that are missing or were decided from something else (content of the CVE, proof, a
 * person's word; profile, version, hosts, the rules), in one transaction; readers see the old set or the new.
 */
async function decideDue(options: TriageOptions, kernel: KernelRow, records: Records): Promise<void> {
  const { store, clock, hostListSeconds } = options;
  await inTransaction(store.db, async (tx) => {
    await lockKernel(tx, kernel.id);
    const now = clock.now();
    const fleet = await fleetOf(tx, kernel, now, hostListSeconds);
    const before = await triagedWith(tx, kernel.id);
    const inputs = inputsOf(kernel, before.profile, fleet);
    const due = await dueVerdicts(tx, kernel.id, now, before.with !== inputs);
    if (due.length > 0)
      await storeVerdicts(tx, kernel.id, await verdictsOf(tx, kernel, { due, fleet, records, now }), now);
    if (before.with !== inputs) await markTriaged(tx, kernel.id, inputs);
  });
}

interface Work {
  readonly due: readonly DueVerdict[];
  readonly fleet: Fleet | null;
  readonly records: Records;
  readonly now: Date;
}

async function verdictsOf(tx: Db, kernel: KernelRow, { due, fleet, records, now }: Work): Promise<DecidedVerdict[]> {
  const profile: Profile | null = await profileOf(tx, kernel);
  const proofs = await proofsOf(tx, kernel.id);
  const overrides = await overridesOf(tx, kernel.id, now);
  const { version, release, arch } = kernel;
  const subject = { version, release, arch, profile, fleet };
  const verdicts: DecidedVerdict[] = [];
  for (const [record, input] of await records.of(tx, due)) {
    const proof = proofs.get(record.id);
    const ladder = decide(record, subject, proof?.by === proverHash() ? proof : null);
    const override = overrides.get(record.id);
    const verdict = override === undefined ? ladder : overridden(ladder, override);
    verdicts.push({ ...verdict, exposure: exposureOf(ladder.evidence), input });
  }
  return verdicts;
}

/** CVEs that were read for one kernel serve the next, as long as their content is what the database says it is. */
class Records {
  readonly #known = new Map<string, TriagedCve>();

  /**
   * The record of each due verdict, with what it was decided from. The input was read first: what changed meanwhile is
   * decided from newer content than it says, and is due again.
   */
  async of(tx: Db, due: readonly DueVerdict[]): Promise<[CveRecord, string][]> {
    const missing = due.filter(({ cve, content }) => this.#known.get(cve)?.content !== content).map(({ cve }) => cve);
    const read = missing.length === 0 ? [] : await triagedCves(tx, missing.length > MANY ? 'all' : missing);
    for (const [cve, row] of read) this.#known.set(cve, row);
    return due.flatMap(({ cve, input }) => {
      const row = this.#known.get(cve);
      return row === undefined ? [] : [[row.record, input]];
    });
  }
}
