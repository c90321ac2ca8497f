/** Predictions against an oracle that is not our code: what Kbuild itself compiled from the same source and configuration. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { predictProfile, readKernelConfig, readProfile } from '#kernel';
import { cacheRoot } from './prepare/cache.ts';

/** Least share of the compiled sources of vmlinux and modules that is predicted built; the rest has to be unknown. */
const MIN_RECALL = 0.98;
const MIN_PRECISION = 0.98;

export interface PredictionScore {
  /** Sources of vmlinux, modules and code linked by itself that were compiled. */
  readonly compiled: number;
  readonly predictedBuilt: number;
  /** Sources or included files of the build that are predicted left out: must be empty. */
  readonly wronglyLeftOut: readonly string[];
  /** Share of the sources of vmlinux and modules that is predicted built. */
  readonly recall: number;
  /** Share of the files predicted built that were read by the build. */
  readonly precision: number;
  readonly leftOut: number;
  readonly unknown: number;
}

/** Compares what is predicted for a source with a finished build of it. */
export async function predictionAgainstBuild(source: string, build: string, arch = 'x86_64'): Promise<PredictionScore> {
  const config = await readKernelConfig(join(build, '.config'));
  const predicted = await predictProfile({ source, config, arch });
  const built = await readProfile(build);
  const state = (file: string): string => predicted.predictions.get(file)?.state ?? 'unknown';
  const known = built.objects.filter(({ source: file }) => predicted.sources.has(file));
  const compiled = new Set(known.filter(({ target }) => target !== null).map(({ source: file }) => file));
  const linked = new Set(
    known.filter(({ target }) => target !== null && target !== 'image').map((object) => object.source),
  );
  const all = [...predicted.predictions];
  const predictedBuilt = all.filter(([, prediction]) => prediction.state === 'built').map(([file]) => file);
  return {
    compiled: compiled.size,
    predictedBuilt: predictedBuilt.length,
    wronglyLeftOut: [...new Set([...compiled, ...built.files.keys()])].filter((file) => state(file) === 'left-out'),
    recall: [...linked].filter((file) => state(file) === 'built').length / linked.size,
    precision: predictedBuilt.filter((file) => built.files.has(file)).length / predictedBuilt.length,
    leftOut: all.filter(([, prediction]) => prediction.state === 'left-out').length,
    unknown: all.filter(([, prediction]) => prediction.state === 'unknown').length,
  };
}

const kernels = join(cacheRoot(), 'kernels');
const trees = existsSync(kernels)
  ? readdirSync(kernels)
      .map((name) => join(kernels, name))
      .filter((tree) => existsSync(join(tree, 'out/built.json')) && existsSync(join(tree, 'kernel.json')))
  : [];

test('no file that a real build read is predicted left out', {
  skip: trees.length === 0 && 'no kernel is built',
}, async () => {
  for (const tree of trees) {
    const { source } = JSON.parse(readFileSync(join(tree, 'kernel.json'), 'utf8')) as {
      source: { directory: string; version: string };
    };
    if (!existsSync(source.directory)) continue;
    const score = await predictionAgainstBuild(source.directory, join(tree, 'build'));
    console.log(`  ${source.version}: ${JSON.stringify(score)}`);
    assert.deepEqual(score.wronglyLeftOut, []);
    assert.ok(score.recall >= MIN_RECALL, `recall ${score.recall}`);
    assert.ok(score.precision >= MIN_PRECISION, `precision ${score.precision}`);
    assert.ok(score.leftOut > score.unknown, 'the prediction clears too little to be of use');
  }
});
