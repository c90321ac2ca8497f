import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GateRecord } from '#domain';
import { type Clock, writeAtomic } from '#host';
import { needBuilt, treeLayout } from '#kernel';
import { verifyLivepatch } from '#livepatch';
import { type LivepatchRow, needKernel, needLivepatch, type Store, setGate } from '#store';

/** Proves a built livepatch in a virtual machine and stores the gate record, whether it passed or not. */
export async function proveLivepatch(options: {
  store: Store;
  livepatch: string;
  clock: Clock;
  onStep: (what: string) => void;
}): Promise<{ livepatch: LivepatchRow; gate: GateRecord }> {
  const { store, clock, onStep } = options;
  const row = await needLivepatch(store.db, options.livepatch);
  const kernel = await needKernel(store.db, row.kernelId);
  const layout = treeLayout(kernel.treeDirectory);
  await needBuilt(layout);
  const module = await readFile(join(row.directory, 'module.ko'));
  const gate = await verifyLivepatch({
    kernelOut: layout.out,
    module,
    moduleName: row.moduleName,
    recipe: row.recipe,
    clock,
    onStep,
  });
  await writeAtomic(join(row.directory, 'gate.json'), `${JSON.stringify(gate, null, 2)}\n`);
  await setGate(store.db, row.id, gate);
  return { livepatch: await needLivepatch(store.db, row.id), gate };
}
