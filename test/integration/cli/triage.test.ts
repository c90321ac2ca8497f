/** Verdicts on the command line: by version alone, by kernel, for other programs, and what changed. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { VerdictStatus } from '#domain';
import { type SampleCve, sampleRecord } from '#feed';
import { Git, plainEnvironment, run } from '#host';
import { addBundledKernel } from '#pipeline';
import { type KernelRow, openStore } from '#store';
import { countsText } from '../../../src/cli/commands/triage-counts.ts';
import { tuxtape } from '../../../testkit/cli.ts';
import { databaseUrl } from '../../../testkit/database.ts';
import { addCommit, COMMIT, cve, feedOf } from '../../../testkit/feed.ts';
import { readOpenVex } from '../../../testkit/openvex.ts';

const TUXTAPE = join(import.meta.dirname, '../../../bin/tuxtape');
const KERNEL = ['triage', '--kernel', 'sample-server-6.1'];
/** In the sample kernel, not in it, and fixed before it. */
const CVES = [
  cve(10_001, { files: ['net/ipv4/udp.c'] }),
  cve(10_002, { files: ['drivers/gpu/drm/amd/amdgpu/amdgpu_device.c'] }),
  cve(10_003, { files: ['net/ipv4/udp.c'], dyad: [`5.4:${COMMIT}:6.1.100:${COMMIT}`] }),
];

async function synced(cves: readonly SampleCve[] = CVES) {
  const feed = await feedOf(cves);
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

test('by version alone: the ranges; a version that hides its source is under investigation, one nobody can read is refused', async () => {
  const { env, ok } = await synced();
  const counts = async (version: string) =>
    (await json<{ counts: unknown }>(ok('--json', 'triage', '--version', version))).counts;
  assert.deepEqual(await counts('6.1.170'), { affected: 2, fixed: 1 });
  assert.deepEqual(await counts('5.3.1'), { not_affected: 3 });
  assert.deepEqual(await counts('6.1.171-rc1'), { under_investigation: 2, fixed: 1 });
  // The ABI name of a distribution hides the stable release: never taken for 6.1.0.
  for (const name of ['6.1.0-40-amd64', '5.14.0-427.el9'])
    assert.deepEqual(await counts(name), { under_investigation: 3 }, name);
  const debian = ['triage', '--version', '6.1.0-40-amd64'];
  assert.match(await ok(...debian), /NOTE: "6\.1\.0-40-amd64" names a build of a distribution.*--source-version/);
  const told = await json<{ counts: unknown; hidden: unknown }>(
    ok('--json', ...debian, '--source-version', '6.1.170-3'),
  );
  assert.deepEqual([told.counts, told.hidden], [{ affected: 2, fixed: 1 }, null]);
  assert.match(await ok(...debian, '--source-version', '6.1.0-40'), /NOTE: "6\.1\.0-40"/);
  for (const bad of [
    ['my kernel'],
    ['foo', '--source-version', '6.1.170'],
    ['6.1.0-40-amd64', '--source-version', 'foo'],
  ]) {
    const refused = await tuxtape(['triage', '--version', ...bad], env);
    assert.equal(refused.exitCode, 65, refused.stderr);
    assert.match(refused.stderr, /is no kernel version \[version-invalid\]\n {2}do: .*6\.12\.95/);
    assert.equal(refused.stdout, '');
  }
  assert.equal((await tuxtape(['triage'], env)).exitCode, 64);
  assert.match(await ok('--version'), /^\d+\.\d+\.\d+\n$/);
});

test('the verdicts as OpenVEX, CycloneDX, CSV and JSON, and as a matrix', async () => {
  const { feed, ok } = await synced();
  await ok(...KERNEL);
  const file = join(feed.data, 'vex.json');
  await ok(...KERNEL, 'export', '--output', file, '--product', 'pkg:deb/debian/linux-image-web@6.1.170');
  const { statements } = readOpenVex(JSON.parse(await readFile(file, 'utf8')));
  const status = Object.fromEntries(statements.map((one) => [one.vulnerability.name.slice(9), one.status]));
  assert.deepEqual(status, { '10001': 'affected', '10002': 'not_affected', '10003': 'fixed' });
  assert.ok(statements.every(({ products }) => products[0]?.['@id'] === 'pkg:deb/debian/linux-image-web@6.1.170'));
  const cyclonedx = await json<{ vulnerabilities: unknown[] }>(ok(...KERNEL, 'export', '--format', 'cyclonedx'));
  assert.equal(cyclonedx.vulnerabilities.length, 3);
  assert.equal((await ok(...KERNEL, 'export', '--format', 'csv')).trimEnd().split('\r\n').length, 4);
  const lines = (await ok('triage', 'matrix', '--format', 'csv')).trimEnd().split('\r\n').toSorted();
  assert.deepEqual(lines, [
    'CVE-2026-10001,affected',
    'CVE-2026-10002,not_affected',
    'CVE-2026-10003,fixed',
    'cve,sample-server-6.1',
  ]);
});

test('the matrix for people names what matters somewhere, and a CVE that nobody decided matters', async () => {
  const { feed, ok } = await synced();
  const rows = async (...flags: string[]): Promise<string[]> =>
    (await ok('triage', 'matrix', ...flags))
      .match(/^CVE-2026-\d+ +\S+/gm)
      ?.map((row) => row.slice(9).replace(/ +/, ' ')) ?? [];
  assert.deepEqual((await rows()).toSorted(), ['10001 ?', '10002 ?', '10003 ?']);
  await ok(...KERNEL);
  assert.deepEqual(await rows(), ['10001 affected']);
  assert.deepEqual((await rows('--all')).toSorted(), ['10001 affected', '10002 no', '10003 fixed']);
  assert.equal((await rows('--all', '--limit', '2')).length, 2);
  const { cves, kernels } = await json<{ kernels: string[]; cves: { cve: string; status: object }[] }>(
    ok('--json', 'triage', 'matrix'),
  );
  assert.deepEqual([kernels, cves.length], [['sample-server-6.1'], 3]);
  const file = join(feed.data, 'matrix.json');
  await ok('triage', 'matrix', '--format', 'json', '--output', file);
  assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), { kernels, cves });
});

test('a VEX document is one document: its number rises with its content alone', async () => {
  const { env, feed, ok, sync } = await synced();
  await ok(...KERNEL);
  const product = ['--product', 'pkg:generic/linux@6.1.170', '--product', 'pkg:deb/debian/linux-image-web@6.1.170-3'];
  const openVex = async (...flags: string[]) => {
    const text = await ok(...KERNEL, 'export', ...flags);
    return { text, ...readOpenVex(JSON.parse(text)) };
  };
  const first = await openVex(...product);
  assert.equal((await openVex(...product)).text, first.text, 'the same again, to the letter');
  assert.deepEqual(
    first.statements[0]?.products.map((one) => one['@id']),
    [product[1], product[3]],
  );
  await addCommit(feed.vulns, 'cve/published/2026/CVE-2026-10001.dyad', `5.4:${COMMIT}:6.1.170:${COMMIT}\n`);
  await sync();
  await ok(...KERNEL);
  const second = await openVex(...product);
  assert.deepEqual([first['@id'], first.version, second.version], [second['@id'], 1, 2]);
  assert.deepEqual([first.timestamp, first.last_updated], [second.timestamp, first.timestamp]);
  assert.ok(second.last_updated > first.last_updated);
  const changed = second.statements.filter((one, i) => one.timestamp !== first.statements[i]?.timestamp);
  assert.deepEqual(
    changed.map(({ vulnerability, status }) => [vulnerability.name, status]),
    [['CVE-2026-10001', 'fixed']],
  );
  for (const bad of [
    ['--product', 'pkg:generic/linux'],
    ['--within', 'web:latest'],
    ['--bom', 'urn:uuid:x'],
  ]) {
    const result = await tuxtape([...KERNEL, 'export', ...bad], env);
    assert.equal(result.exitCode, 65, result.stderr);
  }
});

test('in a pipe and in a file no table is cut, on a terminal it is', async () => {
  const title = `net: ${'a long way to say it '.repeat(8)}end`;
  const files = [0, 1, 2, 3].map((i) => `net/ipv4/no_such_file_of_this_name_${i}.c`);
  const { env, feed, ok, sync } = await synced([cve(10_001, { title, files })]);
  const shown = async (parts: readonly string[], ...args: string[]): Promise<string> => {
    const text = await ok(...args);
    for (const part of parts) assert.ok(text.includes(part), `${args.join(' ')}: ${text}`);
    assert.doesNotMatch(text, /…/, args.join(' '));
    return text;
  };
  assert.match(
    await shown([title, 'WHY'], ...KERNEL, '--status', 'under_investigation'),
    /name_3\.c: .* another branch\.$/m,
  );
  await shown([title, 'WHY'], 'triage', '--version', '6.1.170');
  await shown([title], 'triage', 'matrix');
  await shown([title], 'cve', 'list');
  await shown([COMMIT], 'cve', 'show', 'CVE-2026-10001');
  await addCommit(feed.vulns, 'cve/published/2026/CVE-2026-10001.dyad', `5.4:${COMMIT}:6.1.170:${COMMIT}\n`);
  await sync();
  await ok(...KERNEL);
  await shown([title], ...KERNEL, 'changes');
  const onTerminal = async (...args: string[]): Promise<string> => {
    const command = [TUXTAPE, ...args].map((word) => `'${word}'`).join(' ');
    return (await run('script', ['-qec', command, '/dev/null'], { env: plainEnvironment(env) })).stdout;
  };
  assert.match(await onTerminal('triage', 'matrix', '--all'), /net: a long way .*…\r?\n/);
  assert.match(await onTerminal('cve', 'show', 'CVE-2026-10001'), new RegExp(`${COMMIT.slice(0, 12)}\\s`));
  const file = join(feed.data, 'matrix.txt');
  await onTerminal('triage', 'matrix', '--all', '--output', file);
  assert.ok((await readFile(file, 'utf8')).includes(title));
});

test('what was decided by which rung is counted for every status', async () => {
  const { ok } = await synced();
  const text = await ok(...KERNEL);
  for (const line of [
    'affected was decided: 1 by build',
    'fixed was decided: 1 by ranges',
    'not affected was decided: 1 by build',
  ])
    assert.ok(text.includes(line), line);
  const count = (status: VerdictStatus, rung: string) => ({ status, rung, severity: 'not-scored', count: 1 }) as const;
  const mixed = [
    count('not_affected', 'person'),
    count('not_affected', 'object'),
    count('fixed', 'ranges'),
    count('not_affected', 'ranges'),
    count('under_investigation', 'source'),
    count('not_affected', 'state'),
    count('under_investigation', 'ranges'),
  ];
  const kernel = { name: 'web', version: '6.1', buildId: 'ab' } as KernelRow;
  assert.deepEqual(countsText(kernel, mixed, 0, { status: 'affected' }).split('\n').slice(3), [
    'not affected 4:',
    '  1 rejected by the CNA',
    '  1 the vulnerable code came later, or in another branch',
    '  1 its fix changes no object of this build',
    '  1 a person said so, until a day',
    'under investigation is still open: 1 after ranges, 1 after source',
    'fixed was decided: 1 by ranges',
    'not affected was decided: 1 by state, 1 by ranges, 1 by object, 1 by person',
  ]);
  const { counts } = await json<{ counts: { status: string; rung: string; count: number }[] }>(ok('--json', ...KERNEL));
  const told = counts.map(({ status, rung, count }) => `${status} ${rung} ${count}`).toSorted();
  assert.deepEqual(told, ['affected build 1', 'fixed ranges 1', 'not_affected build 1']);
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

test('each rung says how to see the same again, and a CVE that is not known is said to be', async () => {
  const { env, feed, ok } = await synced();
  await ok(...KERNEL);
  const unknown = await tuxtape([...KERNEL, 'explain', 'CVE-2026-9999999'], env);
  assert.equal(unknown.exitCode, 65);
  assert.match(unknown.stderr, /this CVE is not known \[not-found\]\n {2}where: CVE-2026-9999999\n {2}do: .*feed sync/);
  const text = await ok(...KERNEL, 'explain', 'CVE-2026-10002');
  assert.match(text, /1\. ranges +supports/);
  assert.equal(await ok('triage', 'explain', 'CVE-2026-10002', 'sample-server-6.1'), text, 'the kernel by its place');
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

test('a kernel that was not built cannot be proved, nor one by fixes that are nowhere, and that is said', async () => {
  const { env, feed, ok } = await synced();
  await ok(...KERNEL);
  const prove = async (fixes: string): Promise<string> => {
    const result = await tuxtape(['--json', ...KERNEL, 'prove', '--fixes', fixes], env);
    assert.equal(result.exitCode, 65, result.stderr);
    return /"code": "([^"]*)"/.exec(result.stderr)?.[1] ?? '';
  };
  const file = join(feed.data, '1.patch');
  for (const bad of ['/no/such/dir', feed.data]) assert.equal(await prove(bad), 'fixes-missing', bad);
  await writeFile(file, '');
  assert.equal(await prove(file), 'fixes-missing');
  assert.equal(await prove(feed.data), 'tree-missing');
  assert.equal(await prove(feed.vulns), 'tree-missing', 'a git repository');
});
