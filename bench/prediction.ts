/** Predicting from Makefiles and a configuration, of the end-to-end proof's cache. Baseline: `cat` of the same files. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheRoot } from '../test/e2e/prepare/cache.ts';
import { machine, measure, median, report } from './measure.ts';

const RUNS = 3;
const kernels = join(cacheRoot(), 'kernels');
const trees = existsSync(kernels)
  ? readdirSync(kernels)
      .map((name) => join(kernels, name))
      .filter((tree) => existsSync(join(tree, 'build/.config')) && existsSync(join(tree, 'kernel.json')))
  : [];
const READ = ['Makefile*', 'Kbuild*', '*.c', '*.h', '*.S'].flatMap((name) => ['-o', '-name', name]).slice(1);
const SCRIPT = `
import { predictProfile, readKernelConfig } from '#kernel';
const [source, config] = process.argv.slice(1);
const { predictions, unreadable } = await predictProfile({ source, config: await readKernelConfig(config), arch: 'x86_64' });
const counts = Object.groupBy(predictions.values(), ({ state }) => state);
console.log(Object.entries(counts).map(([state, list]) => \`\${list.length} \${state}\`).join(', ') + \`, \${unreadable.length} unreadable\`);
`;

console.log(`prediction without a build, ${machine()}`);
if (trees.length === 0) console.log('skipped: no kernel is configured yet, run "make e2e"');
for (const tree of trees) {
  const { source } = JSON.parse(readFileSync(join(tree, 'kernel.json'), 'utf8')) as { source: { directory: string } };
  const find = `find "$0" "(" "$@" ")" -type f -print0 | xargs -0 cat | wc -c`;
  const cat = await median(RUNS, () => measure('sh', ['-c', find, source.directory, ...READ]));
  report(`baseline, find and cat of ${cat.stdout.trim()} bytes`, cat);
  const args = ['--input-type=module', '-e', SCRIPT, source.directory, join(tree, 'build/.config')];
  const predicted = await median(RUNS, () => measure('node', args));
  report(`prediction: ${predicted.stdout.trim()}`, predicted, { name: 'find and cat', seconds: cat.seconds });
}
