/** Profiling built kernel trees, of the end-to-end proof's cache. Baseline: `cat` of the same command files. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cacheRoot } from '../test/e2e/prepare/cache.ts';
import { machine, measure, median, report } from './measure.ts';

const RUNS = 5;
const trees = join(cacheRoot(), 'kernels');
const built = existsSync(trees)
  ? readdirSync(trees)
      .map((name) => join(trees, name, 'build'))
      .filter(existsSync)
  : [];
const SCRIPT = `
import { encodeProfile, readProfile } from '#kernel';
const profile = await readProfile(process.argv[1]);
console.log(\`\${profile.objects.length} objects, \${profile.files.size} files, \${encodeProfile(profile).length} bytes stored\`);
`;

console.log(`profile of a built tree, ${machine()}`);
if (built.length === 0) console.log('skipped: no kernel is built yet, run "make e2e"');
for (const tree of built) {
  const cat = await median(RUNS, () =>
    measure('sh', ['-c', `find "$0" -name '.*.o.cmd' -print0 | xargs -0 cat | wc -c`, tree]),
  );
  report(`baseline, find and cat of ${cat.stdout.trim()} bytes`, cat);
  const profile = await median(RUNS, () => measure('node', ['--input-type=module', '-e', SCRIPT, tree]));
  report(`profile: ${profile.stdout.trim()}`, profile, { name: 'find and cat', seconds: cat.seconds });
}
