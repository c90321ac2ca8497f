import type { Verdict } from '#domain';
import type { Clock } from '#host';
import {
  allCves,
  countVerdicts,
  inTransaction,
  type KernelRow,
  listKernels,
  proofsOf,
  type Store,
  storeVerdicts,
  type VerdictCount,
} from '#store';
import { decide } from '#triage';
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
    const subject = { version: kernel.version, arch: kernel.arch, profile };
    const verdicts: Verdict[] = (await allCves(tx)).map(({ record }) => decide(record, subject, proofs.get(record.id)));
    await storeVerdicts(tx, kernel.id, verdicts, clock.now());
  });
  await rankDue({ store, clock });
  return countVerdicts(store.db, kernel.id);
}

/** Decides every CVE for every kernel. */
export async function triageAll(options: { store: Store; clock: Clock }): Promise<void> {
  for (const kernel of await listKernels(options.store.db)) await triageKernel({ ...options, kernel });
}
