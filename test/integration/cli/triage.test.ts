/** Verdicts on the command line: by version alone, by kernel, for other programs, and what changed. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sampleRecord } from '#feed';
import { Git, run } from '#host';
import { addBundledKernel } from '#pipeline';
import { openStore } from '#store';
import { tuxtape } from '../../../testkit/cli.ts';
import { databaseUrl } from '../../../testkit/database.ts';
import { addCommit, COMMIT, cve, feedOf } from '../../../testkit/feed.ts';
import { openVexSchema } from '../../../testkit/openvex.ts';

const KERNEL = ['triage', '--kernel', 'sample-server-6.1'];
/** In the sample kernel, not in it, and fixed before it. */
const CVES = [
  cve(10_001, { files: ['net/ipv4/udp.c'] }),
  cve(10_002, { files: ['drivers/gpu/drm/amd/amdgpu/amdgpu_device.c'] }),
  cve(10_003, { files: ['net/ipv4/udp.c'], dyad: [`5.4:${COMMIT}:6.1.100:${COMMIT}`] }),
];

async function synced() {
  const feed = await feedOf(CVES);
  const url = await databaseUrl();
  const store = await openStore({ dataDirectory: feed.data, databaseUrl: url });
  await addBundledKernel(store);
  await store.close();
  const env = { TUXTAPE_DATA: feed.data, DATABASE_URL: url };
  const ok = async (...args: string[]): Promise<string> => {
    const result = await tuxtape(args, env);
    assert.equal(result.exitCode, 0, result.stderr);
    return result.stdout;
  };
  const sync = () => ok('feed', 'sync', '--lore', feed.lore, '--vulns', feed.vulns);
  await sync();
  return { feed, env, ok, sync };
}

const json = async <T>(text: Promise<string>): Promise<T> => JSON.parse(await text) as T;

test('by version alone: the ranges, and a version nobody can read is under investigation', async () => {
  const { env, ok } = await synced();
  const counts = async (version: string) =>
    (await json<{ counts: unknown }>(ok('--json', 'triage', '--version', version))).counts;
  assert.deepEqual(await counts('6.1.170'), { affected: 2, fixed: 1 });
  assert.deepEqual(await counts('5.3.1'), { not_affected: 3 });
  assert.deepEqual(await counts('6.1.171-rc1'), { affected: 2, fixed: 1 });
  assert.deepEqual(await counts('my kernel'), { under_investigation: 3 });
  assert.equal((await tuxtape(['triage'], env)).exitCode, 64);
  assert.match(await ok('--version'), /^\d+\.\d+\.\d+\n$/);
});

test('the verdicts as OpenVEX, CycloneDX, CSV and JSON, and as a matrix', async () => {
  const { feed, ok } = await synced();
  await ok(...KERNEL);
  const file = join(feed.data, 'vex.json');
  await ok(...KERNEL, 'export', '--output', file, '--product', 'pkg:deb/debian/linux-image-web@6.1.170');
  const { statements } = openVexSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  const status = Object.fromEntries(statements.map((one) => [one.vulnerability.name.slice(9), one.status]));
  assert.deepEqual(status, { '10001': 'affected', '10002': 'not_affected', '10003': 'fixed' });
  assert.ok(statements.every(({ products }) => products[0]?.['@id'] === 'pkg:deb/debian/linux-image-web@6.1.170'));
  const cyclonedx = await json<{ vulnerabilities: unknown[] }>(ok(...KERNEL, 'export', '--format', 'cyclonedx'));
  assert.equal(cyclonedx.vulnerabilities.length, 3);
  assert.equal((await ok(...KERNEL, 'export', '--format', 'csv')).trimEnd().split('\r\n').length, 4);
  const matrix = (await ok('triage', 'matrix')).trimEnd().split('\r\n').toSorted();
  assert.deepEqual(matrix, [
    'CVE-2026-10001,affected',
    'CVE-2026-10002,not_affected',
    'CVE-2026-10003,fixed',
    'cve,sample-server-6.1',
  ]);
});

test('what changed is told, and nothing else is written anew', async () => {
  const { feed, ok, sync } = await synced();
  const changes = async () =>
    (await json<{ changes: { cve: string; before: string; after: string }[] }>(ok('--json', ...KERNEL, 'changes')))
      .changes;
  await ok(...KERNEL);
  assert.deepEqual(await changes(), [], 'the first time nothing is a change');
  await addCommit(
    feed.vulns,
    'cve/published/2026/CVE-2026-10004.json',
    sampleRecord(cve(10_004, { files: ['net/ipv4/udp.c'] })),
  );
  await addCommit(feed.vulns, 'cve/published/2026/CVE-2026-10004.dyad', `5.4:${COMMIT}:6.1.171:${COMMIT}\n`);
  await addCommit(feed.vulns, 'cve/published/2026/CVE-2026-10001.dyad', `5.4:${COMMIT}:6.1.170:${COMMIT}\n`);
  await sync();
  await ok(...KERNEL);
  const told = (await changes()).map(({ cve: id, before, after }) => `${id.slice(9)} ${before} ${after}`);
  assert.deepEqual(told.toSorted(), ['10001 affected fixed', '10004 null affected']);
  assert.match(await ok(...KERNEL, 'changes', '--since', '2d'), /^1 new, 1 became fixed since /);
  assert.equal((await tuxtape([...KERNEL, 'changes', '--since', 'soon'])).exitCode, 64);
});

test('each rung says how to see the same again', async () => {
  const { feed, ok } = await synced();
  await ok(...KERNEL);
  const text = await ok(...KERNEL, 'explain', 'CVE-2026-10002');
  assert.match(text, /1\. ranges +supports/);
  const command = /replay: (git -C .*)$/m.exec(text)?.[1];
  assert.ok(command?.includes(feed.data));
  const { stdout } = await run('sh', ['-c', command ?? ''], { env: Git.environment() });
  assert.equal(stdout.trim(), CVES[1]?.dyad[0]);
});

test("a person's word counts until its day or until it is taken back, is shown as such, and always says why", async () => {
  const { env, ok } = await synced();
  await ok(...KERNEL);
  const word = ['--until', '2099-01-31', '--reason', 'no sockets here', '--by', 'ann'];
  const as = ['--as', 'not_affected', '--justification', 'vulnerable_code_not_in_execute_path'];
  await ok(...KERNEL, 'override', 'CVE-2026-10001', ...as, ...word);
  const explained = await ok(...KERNEL, 'explain', 'CVE-2026-10001');
  assert.match(explained, /not_affected \(vulnerable_code_not_in_execute_path\)/);
  assert.match(
    explained,
    /person .*ann set this to not_affected .* until 2099-01-31: no sockets here \(the ladder says affected\)/,
  );
  assert.match(await ok(...KERNEL, 'overrides'), /CVE-2026-10001 +not_affected +2099-01-31 +ann +no sockets here/);
  await ok(...KERNEL);
  assert.match(await ok(...KERNEL, 'explain', 'CVE-2026-10001'), /not_affected/, 'deciding again keeps it');
  await ok(...KERNEL, 'revoke', 'CVE-2026-10001');
  assert.doesNotMatch(await ok(...KERNEL, 'explain', 'CVE-2026-10001'), /not_affected/);
  const code = async (...args: string[]) => (await tuxtape([...KERNEL, ...args], env)).exitCode;
  assert.equal(await code('override', 'CVE-2026-10001', '--as', 'not_affected', ...word), 64);
  assert.equal(await code('override', 'CVE-2026-10001', '--as', 'fixed', '--until', '2020-01-01', '--reason', 'x'), 64);
  assert.equal(await code('override', 'CVE-2026-19999', '--as', 'fixed', ...word), 65);
  assert.equal(await code('revoke', 'CVE-2026-10001'), 65);
});

test('a kernel that was not built cannot be proved, and that is said', async () => {
  const { env, feed } = await synced();
  const result = await tuxtape([...KERNEL, 'prove', '--fixes', feed.data], env);
  assert.equal(result.exitCode, 65);
  assert.match(result.stderr, /tree-missing/);
});
