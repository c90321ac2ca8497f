/** Reads parts of a build in a thread of its own: told command files batch by batch, it reads those that nobody took yet. */
import { parentPort, workerData } from 'node:worker_threads';
import { claimed } from './batches.ts';
import { PartReader } from './part.ts';

export interface WorkerData {
  readonly build: string;
  readonly claims: SharedArrayBuffer;
}

/** A batch of command files; without one, the part is asked for. */
export type Order = { readonly batch: number; readonly cmds: readonly string[] } | 'end';

const { build, claims } = workerData as WorkerData;
const taken = new Int32Array(claims);
const reader = new PartReader(build);

parentPort?.on('message', (order: Order) => {
  if (order === 'end') {
    const part = reader.part();
    parentPort?.postMessage(part, [part.dependencies.buffer]);
    parentPort?.close();
  } else if (claimed(taken, order.batch)) reader.read(order.cmds);
});
