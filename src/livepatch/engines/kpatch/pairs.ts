import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode } from '#domain';
import { mapLimited } from '#host';
import { compileObject, type Overlay, overlay } from '#kernel';
import { aligned, type ChangedText } from '#patch';
import { LivepatchError } from '../../error.ts';
import type { EngineJob } from '../engine.ts';
import type { KernelObject } from './objects.ts';

/** As kpatch-build compiles: a section of its own for every function and variable. */
export const KPATCH_FLAGS = ['-I/usr/share/kpatch/patch', '-ffunction-sections', '-fdata-sections'];

/**
 * Compiles objects with and without a change, with the saved commands and the same line numbers, and writes those that differ
 * to `orig/` and `patched/` of the job's folder. Returns them. Errors: compile-failed, engine-failed.
 */
export async function compilePairs(
  job: EngineJob,
  objects: readonly KernelObject[],
  changed: ReadonlyMap<string, ChangedText>,
): Promise<KernelObject[]> {
  const texts = [...changed].map(([path, { before, after }]) => ({ path, ...sides(before, after) }));
  await using old = await overlay(job.layout.build, textsOf(texts, 'before'));
  await using now = await overlay(job.layout.build, textsOf(texts, 'after'));
  const compared = await mapLimited(objects, job.jobs, async (object) => {
    const before = await compile(job, object.object, old);
    const after = await compile(job, object.object, now);
    if (before.equals(after)) return null;
    await keep(join(job.work, 'orig', object.object), before);
    await keep(join(job.work, 'patched', object.object), after);
    return object;
  });
  return compared.filter((object) => object !== null);
}

function sides(before: string | null, after: string | null): ChangedText {
  return before === null || after === null ? { before, after } : aligned(before, after);
}

function textsOf(texts: readonly ({ path: string } & ChangedText)[], side: 'before' | 'after'): Map<string, string> {
  return new Map(texts.flatMap(({ path, [side]: text }) => (text === null ? [] : [[path, text]])));
}

async function compile({ layout, toolchain, signal }: EngineJob, object: string, side: Overlay): Promise<Buffer> {
  const options = { tree: layout.build, toolchain, object, overlay: side, flags: KPATCH_FLAGS, finished: true, signal };
  try {
    return await compileObject(options);
  } catch (error) {
    if (!hasCode(error, 'object-not-compiled', 'command-unsupported')) throw error;
    const isPatch = hasCode(error, 'object-not-compiled');
    throw new LivepatchError(isPatch ? 'compile-failed' : 'engine-failed', isPatch ? 'patch' : 'kernel-source', {
      what: error.message,
      where: object,
      remedy: isPatch
        ? 'a part of the fix is missing (a header or an earlier commit), or it belongs to another branch'
        : 'keep the log; objects that are made in another way are not livepatched',
      cause: error,
    });
  }
}

async function keep(file: string, bytes: Buffer): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, bytes);
}
