/** What `triage explain` prints can be pasted into a shell as it is. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { plainEnvironment, run } from '#host';
import { tuxtape } from '../../../testkit/cli.ts';
import { databaseUrl } from '../../../testkit/database.ts';
import { COMMIT, cve, feedOf } from '../../../testkit/feed.ts';
import { scratch } from '../../../testkit/scratch.ts';
import { SAMPLE_FIX, tinyKernel } from '../../../testkit/tiny-kernel.ts';

const BIN = join(import.meta.dirname, '../../../bin');

test('every replay of a proved verdict runs as it is printed, wherever the fixes lie', async () => {
  const feed = await feedOf([cve(10_001, { files: ['kernel/sample.c'] })]);
  const home = await scratch();
  const env = { DATABASE_URL: await databaseUrl() };
  const ok = async (...args: string[]): Promise<string> => {
    const result = await tuxtape(['--data', feed.data, ...args], env);
    assert.equal(result.exitCode, 0, result.stderr);
    return result.stdout;
  };
  const { source, config } = await tinyKernel(home);
  await ok('feed', 'sync', '--lore', feed.lore, '--vulns', feed.vulns);
  await ok('kernel', 'add', 'tiny', '--source', source, '--config', config);
  await ok('kernel', 'build', 'tiny');
  const fixes = join(home, "it's fixes");
  await mkdir(fixes);
  await writeFile(join(fixes, `${COMMIT}.patch`), SAMPLE_FIX);
  await ok('triage', '--kernel', 'tiny', 'prove', 'CVE-2026-10001', '--fixes', fixes);
  const { evidence, replays } = JSON.parse(await ok('--json', 'triage', 'explain', 'CVE-2026-10001', 'tiny')) as {
    evidence: { rung: string }[];
    replays: (string | null)[];
  };
  const said = new Map<string, string>();
  for (const [i, replay] of replays.entries()) {
    if (replay === null) continue;
    const path = `${BIN}${delimiter}${process.env['PATH'] ?? ''}`;
    const { stdout } = await run('sh', ['-ec', replay], { env: plainEnvironment({ ...env, PATH: path }) });
    said.set(evidence[i]!.rung, stdout);
  }
  assert.match(said.get('source') ?? '', /^checking file kernel\/sample\.c\nHunk #1 succeeded/);
  assert.match(said.get('build') ?? '', /\/kernel\/\.sample\.o\.cmd\n$/);
});
