import type { Clock } from '#host';
import {
  allCves,
  countVerdicts,
  type ExposedVerdict,
  inTransaction,
  type KernelRow,
  listKernels,
  overridesOf,
  proofsOf,
  type Store,
  storeVerdicts,
  type VerdictCount,
} from '#store';
import { decide, exposureOf, overridden } from '#triage';
import { fleetOf } from './fleet.ts';
import { profileOf } from './kernel.ts';
import { rankDue } from './rank.ts';

/** Decides every CVE for one kernel and stores the verdicts in one transaction; readers see the old set or the new. */
export async function triageKernel(options: {
  store: Store;
  kernel: KernelRow;
  clock: Clock;
  /** Seconds after which a host's list of modules says nothing any more. */
  hostListSeconds?: number | undefined;
}): Promise<VerdictCount[]> {
  const { store, kernel, clock, hostListSeconds } = options;
  await inTransaction(store.db, async (tx) => {
    const profile = await profileOf(tx, kernel);
    const proofs = await proofsOf(tx, kernel.id);
    const overrides = await overridesOf(tx, kernel.id, clock.now());
    const fleet = await fleetOf(tx, kernel, clock.now(), hostListSeconds);
    const subject = { version: kernel.version, arch: kernel.arch, profile, fleet };
    const verdicts = (await allCves(tx)).map(({ record }): ExposedVerdict => {
      const ladder = decide(record, subject, proofs.get(record.id));
      const override = overrides.get(record.id);
      const verdict = override === undefined ? ladder : overridden(ladder, override);
      return { ...verdict, exposure: exposureOf(ladder.evidence) };
    });
    await storeVerdicts(tx, kernel.id, verdicts, clock.now());
  });
  await rankDue({ store, clock });
  return countVerdicts(store.db, kernel.id);
}

/** Decides every CVE for every kernel. */
export async function triageAll(options: {
  store: Store;
  clock: Clock;
  hostListSeconds?: number | undefined;
}): Promise<void> {
  for (const kernel of await listKernels(options.store.db)) await triageKernel({ ...options, kernel });
}
