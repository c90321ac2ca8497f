import type { Verdict } from '#domain';
import type { Clock } from '#host';
import {
  allCves,
  countVerdicts,
  inTransaction,
  type KernelRow,
  listKernels,
  overridesOf,
  proofsOf,
  type Store,
  storeVerdicts,
  type VerdictCount,
} from '#store';
import { decide, overridden } from '#triage';
import { profileOf } from './kernel.ts';
import { rankDue } from './rank.ts';

/** Decides every CVE for one kernel and stores the verdicts in one transaction; readers see the old set or the new. */
export async function triageKernel(options: {
  store: Store;
  kernel: KernelRow;
  clock: Clock;
}): Promise<VerdictCount[]> {
  const { store, kernel, clock } = options;
  await inTransaction(store.db, async (tx) => {
    const profile = await profileOf(tx, kernel);
    const proofs = await proofsOf(tx, kernel.id);
    const overrides = await overridesOf(tx, kernel.id, clock.now());
    const subject = { version: kernel.version, arch: kernel.arch, profile };
    const verdicts = (await allCves(tx)).map(({ record }): Verdict => {
      const ladder = decide(record, subject, proofs.get(record.id));
      const override = overrides.get(record.id);
      return override === undefined ? ladder : overridden(ladder, override);
    });
    await storeVerdicts(tx, kernel.id, verdicts, clock.now());
  });
  await rankDue({ store, clock });
  return countVerdicts(store.db, kernel.id);
}

/** Decides every CVE for every kernel. */
export async function triageAll(options: { store: Store; clock: Clock }): Promise<void> {
  for (const kernel of await listKernels(options.store.db)) await triageKernel({ ...options, kernel });
}
