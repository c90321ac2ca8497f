/** First full sync of both archives, a sync with nothing new, and one new mail. Baselines: feed-baseline.ts, and git alone. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { importStream, sampleMail } from '#feed';
import { Git, run } from '#host';
import { shared } from '../testkit/shared.ts';
import { machine, measure, report, withFolder } from './measure.ts';

const feeds = shared === undefined ? '' : join(shared, 'feeds');
if (!existsSync(feeds)) console.log('skipped: ../shared is not there');
else await withFolder(bench);

async function bench(home: string): Promise<void> {
  console.log(`feed sync, ${machine()}`);
  for (const name of ['linux-cve-announce.git.tar', 'vulns.git.tar'])
    await run('tar', ['xf', join(feeds, name), '-C', home]);
  const vulns = join(home, 'vulns.git');
  const lore = home;
  const script = `for r in "$0"/0.git "$1"; do git -C "$r" cat-file --batch-all-objects --batch --unordered | wc -c; done`;
  const git = await measure('sh', ['-c', script, lore, vulns]);
  report('git cat-file of every object', git);
  const data = join(home, 'data');
  await mkdir(data);
  const sync = (): ReturnType<typeof measure> =>
    measure('node', ['src/cli/main.ts', '--data', data, 'feed', 'sync', '--lore', lore, '--vulns', vulns]);
  const first = await sync();
  const least = await measure('node', ['bench/feed-baseline.ts', lore, vulns, data, join(home, 'fresh')]);
  const { seconds } = JSON.parse(least.stdout) as { seconds: number };
  console.log(`baseline, cat-file + JSON.parse + mail parser + COPY: ${seconds.toFixed(2)} s ${least.stdout.trim()}`);
  report('first full sync', first, { name: 'baseline', seconds });
  report('nothing new', await sync());
  await addMail(join(lore, '0.git'));
  const one = await sync();
  if (!one.stdout.includes('1 new')) throw new TypeError(`one new mail was not seen: ${one.stdout}`);
  report('one new mail, ranked', one);
}

async function addMail(epoch: string): Promise<void> {
  const commit = '0123456789abcdef0123456789abcdef01234567';
  const dyad = [`5.4:${commit}:6.1.999:${commit}`];
  const cve = {
    id: 'CVE-2026-99999',
    state: 'published',
    title: 'bench',
    description: '',
    files: ['a.c'],
    dyad,
    cvss: null,
  } as const;
  const mail = sampleMail(cve, 1);
  const head =
    'commit refs/heads/master\ncommitter B <b@example.org> 1790000000 +0000\ndata 1\nx\nfrom refs/heads/master^0\n';
  if (!(await new Git(epoch).hasCommit('refs/heads/master'))) throw new TypeError('the archive has no branch master');
  await importStream(epoch, `${head}M 100644 inline m\ndata ${Buffer.byteLength(mail)}\n${mail}\n`);
}
