import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildModule, engineFor, moduleNameOf } from '#livepatch';
import type { BuildLivepatchOptions } from './livepatch.ts';
import { explained, jobOf, prepare } from './livepatch-job.ts';
import { objectInspection } from './livepatch-objects.ts';

/** Builds a livepatch and throws it away: what stands against it is thrown. Errors: as `buildLivepatch`. */
export async function tryLivepatch(options: Omit<BuildLivepatchOptions, 'by'>): Promise<void> {
  const prepared = await prepare(options.store, options.kernel, options.input, options);
  const { kernel, layout, built, change, files } = prepared;
  const objects = await objectInspection(layout, kernel.toolchain, files);
  const work = await mkdtemp(join(tmpdir(), 'tuxtape-trial-'));
  let output = '';
  const onOutput = (text: string): void => {
    output = (output + text).slice(-MAX_TAIL);
  };
  try {
    const moduleName = moduleNameOf(built.buildId, change.cves, change.text);
    const job = jobOf(prepared, options, { moduleName, work, onOutput, objects });
    await buildModule(engineFor(kernel.version), job, built.release);
  } catch (error) {
    throw await explained(error, prepared, output);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const MAX_TAIL = 1 << 20;
