/** Reads one part of a build in a thread of its own: told the paths once, it answers with the part and ends. */
import { parentPort } from 'node:worker_threads';
import { type Part, readPart } from './part.ts';

export interface PartOrder {
  readonly build: string;
  readonly paths: readonly string[];
}

parentPort?.once('message', (order: PartOrder) => {
  void readPart(order.build, order.paths).then((part: Part) =>
    parentPort?.postMessage(part, [part.commands.dependencies.buffer as ArrayBuffer]),
  );
});
