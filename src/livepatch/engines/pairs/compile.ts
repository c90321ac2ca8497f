import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode } from '#domain';
import { mapLimited } from '#host';
import { compileObject, type Overlay, overlay } from '#kernel';
import { alignedSides, patchedTexts } from '#patch';
import { LivepatchError } from '../../error.ts';
import type { EngineJob } from '../engine.ts';
import { requireCompiler } from './compiler.ts';
import { confinedHeaders } from './confine.ts';
import { affectedObjects, type KernelObject, refuseLeftOut } from './objects.ts';

/** A section of its own for every function and variable: both engines compile so. */
const SECTIONS = ['-ffunction-sections', '-fdata-sections'];

/**
 * Compiles the objects that read a changed file with and without the change, with the saved commands and the same line
 * numbers, has those that differ looked at, and writes them to `orig/` and `patched/` of the job's folder. Returns them.
 * Errors: those of `patchedTexts` and `affectedObjects`; compile-failed, engine-failed, nothing-changed, object-left-out,
 * toolchain-mismatch.
 */
export async function compilePairs(job: EngineJob, flags: readonly string[] = []): Promise<KernelObject[]> {
  const changed = await patchedTexts(job.layout.build, job.toolchain, job.patch, 'the patch');
  const confined = await confinedHeaders(job.layout.build, job.patch, job.profile, changed);
  for (const { path, names, readers, reached } of confined)
    job.onOutput(
      `${reached.size} of ${readers} objects that read ${path} name ${[...names].join(', ') || 'nothing of it'}\n`,
    );
  const objects = affectedObjects(job.profile, changed, confined);
  const sides = alignedSides(changed);
  await using old = await overlay(job.layout.build, sides.before);
  await using now = await overlay(job.layout.build, sides.after);
  const compared = await mapLimited(objects, job.jobs, async (object) => {
    const [before, after] = await compileBoth(job, object.object, [old, now], { flags });
    if (before.equals(after)) return { object, pair: { object: object.object, before, after: before } };
    await keep(join(job.work, 'orig', object.object), before);
    await keep(join(job.work, 'patched', object.object), after);
    const debug = job.wantsTypes ? await compileBoth(job, object.object, [old, now], { flags, debug: true }) : null;
    const beside = debug === null ? {} : { debug: { before: debug[0], after: debug[1] } };
    return { object, pair: { object: object.object, before, after, ...beside } };
  });
  const different = compared.filter(({ pair }) => pair.before !== pair.after).map(({ object }) => object);
  if (different.length === 0) throw nothingChanged();
  refuseLeftOut(different);
  await requireCompiler(job, compared[0]!.pair);
  await job.inspect(compared.map(({ pair }) => pair));
  return different;
}

export function nothingChanged(): LivepatchError {
  return new LivepatchError('nothing-changed', 'patch', {
    what: 'the change does not alter any compiled code of this kernel',
    where: 'the patch',
    remedy: 'this kernel is not affected by it: the code is not built in, or compiles to the same',
  });
}

interface How {
  readonly flags: readonly string[];
  readonly debug?: boolean;
}

async function compileBoth(
  job: EngineJob,
  object: string,
  [old, now]: readonly [Overlay, Overlay],
  how: How,
): Promise<[Buffer, Buffer]> {
  return [await compile(job, object, old, how), await compile(job, object, now, how)];
}

async function compile(
  { layout, toolchain, signal }: EngineJob,
  object: string,
  side: Overlay,
  { flags, debug = false }: How,
): Promise<Buffer> {
  // Types are read of what the compiler made; what comes after it would only take time.
  const made = { flags: [...flags, ...SECTIONS], debug, finished: !debug };
  const options = { tree: layout.build, toolchain, object, overlay: side, ...made, signal };
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
