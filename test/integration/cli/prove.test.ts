/** `triage prove` of a kernel as a person meets it: which CVEs it takes, and what it says when there is none. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sampleRecord } from '#feed';
import { tuxtape } from '../../../testkit/cli.ts';
import { databaseUrl } from '../../../testkit/database.ts';
import { addCommit, COMMIT, cve, feedOf } from '../../../testkit/feed.ts';
import { scratch } from '../../../testkit/scratch.ts';
import { SAMPLE_FIX, tinyKernel } from '../../../testkit/tiny-kernel.ts';

const FILES = ['kernel/sample.c'];

test('a proof without a list takes what is open now: the kernel is decided first', async () => {
  const feed = await feedOf([cve(10_002, { files: FILES, dyad: [`5.4:${COMMIT}:6.1.100:${COMMIT}`] })]);
  const home = await scratch();
  const env = { TUXTAPE_DATA: feed.data, DATABASE_URL: await databaseUrl() };
  const ok = async (...args: string[]): Promise<string> => {
    const result = await tuxtape(args, env);
    assert.equal(result.exitCode, 0, result.stderr);
    return result.stdout;
  };
  const { source, config } = await tinyKernel(home);
  await ok('kernel', 'add', 'tiny', '--source', source, '--config', config);
  await ok('kernel', 'build', 'tiny');
  await writeFile(join(home, `${COMMIT}.patch`), SAMPLE_FIX);
  const prove = (...args: string[]): Promise<string> =>
    ok('triage', '--kernel', 'tiny', 'prove', '--fixes', home, ...args);
  const refused = async (...args: string[]): Promise<string> => {
    const result = await tuxtape(['triage', '--kernel', 'tiny', 'prove', '--fixes', home, ...args], env);
    assert.deepEqual([result.exitCode, result.stdout], [65, '']);
    return result.stderr;
  };
  assert.match(await refused(), /no CVE was read yet \[not-found\]\n {2}do: {4}run "tuxtape feed sync"/);
  const sync = (): Promise<string> => ok('feed', 'sync', '--lore', feed.lore, '--vulns', feed.vulns);
  await sync();
  assert.match(await refused('CVE-2026-19999'), /this CVE is not known \[not-found\]\n {2}where: CVE-2026-19999/);
  assert.match(await prove(), /^No CVE affects this kernel or may: there is nothing to prove\.\n$/);
  const record = sampleRecord(cve(10_001, { files: FILES }));
  await addCommit(feed.vulns, 'cve/published/2026/CVE-2026-10001.json', record);
  await addCommit(feed.vulns, 'cve/published/2026/CVE-2026-10001.dyad', `5.4:${COMMIT}:6.1.171:${COMMIT}\n`);
  await sync();
  assert.deepEqual((await prove()).match(/^CVE-.*?$/gm), ['CVE-2026-10001  vulnerable  not compiled']);
});
