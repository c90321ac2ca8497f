import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BuildLivepatchOptions } from './livepatch.ts';
import { explained, prepare } from './livepatch-job.ts';
import { makeHere } from './livepatch-make.ts';

const MAX_TAIL = 1 << 20;

/** Builds a livepatch and throws it away: what stands against it is thrown. Errors: as `buildLivepatch`. */
export async function tryLivepatch(options: Omit<BuildLivepatchOptions, 'by'>): Promise<void> {
  const prepared = await prepare(options.store, options.kernel, options.input, options);
  const { jobs, signal, make = makeHere } = options;
  const work = await mkdtemp(join(tmpdir(), 'tuxtape-trial-'));
  let output = '';
  const onOutput = (text: string): void => {
    output = (output + text).slice(-MAX_TAIL);
  };
  try {
    await make(prepared, prepared.order, { jobs, signal, work, onOutput });
  } catch (error) {
    throw await explained(error, prepared, output);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
