/** CVEs on the command line: found, explained, exported, judged. On a feed of our own whose records changed twice. */
import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { KERNEL_CNA } from '#feed';
import { tuxtape } from '../../../testkit/cli.ts';
import { databaseUrl } from '../../../testkit/database.ts';
import { addCommit, cve, feedOf } from '../../../testkit/feed.ts';

const VECTOR = 'CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H';
const CVSS = `${KERNEL_CNA} ${VECTOR}\n\nAV:L - a local user\n`;
const NONE = { TUXTAPE_SIGNALS_NVD_URL: 'none', TUXTAPE_SIGNALS_KEV_URL: 'none', TUXTAPE_SIGNALS_EPSS_URL: 'none' };

/** A synced place: CVE-2026-10001 (scored since a second commit, title with a formula), 10002 in ext4, 10003 rejected. */
async function synced() {
  const feed = await feedOf([
    cve(10_001, { title: '=HYPERLINK("x"), "quoted"' }),
    cve(10_002, { files: ['net/sched/sample.c'], title: 'sched: a leak' }),
    cve(10_003, { state: 'rejected' }),
  ]);
  const env = { TUXTAPE_DATA: feed.data, DATABASE_URL: await databaseUrl(), ...NONE };
  const sync = () => tuxtape(['feed', 'sync', '--lore', feed.lore, '--vulns', feed.vulns], env);
  await sync();
  await addCommit(feed.vulns, 'cve/published/2026/CVE-2026-10001.cvss', CVSS);
  assert.equal((await sync()).exitCode, 0);
  const ok = async (...args: string[]): Promise<string> => {
    const result = await tuxtape(args, env);
    assert.equal(result.exitCode, 0, result.stderr);
    return result.stdout;
  };
  const ids = async (...args: string[]): Promise<string[]> =>
    (JSON.parse(await ok('--json', 'cve', ...args)) as { id: string }[]).map(({ id }) => id.slice(9));
  return { feed, env, ok, ids };
}

test('words and filters find what they say, and nothing else', async () => {
  const { env, ids } = await synced();
  assert.deepEqual(await ids('list'), ['10001', '10002', '10003']);
  assert.deepEqual(await ids('search', 'leak'), ['10002']);
  assert.deepEqual(await ids('search', '--subsystem', 'net/sched'), ['10002']);
  assert.deepEqual(await ids('search', '--file', 'net/core/sample.c', '--state', 'published'), ['10001']);
  assert.deepEqual(await ids('search', '--severity', 'high'), ['10001']);
  assert.deepEqual(await ids('search', '--severity', 'not-scored', '--state', 'published'), ['10002']);
  assert.deepEqual(await ids('search', '--affects', '6.1.100'), ['10001', '10002']);
  assert.deepEqual(await ids('search', '--affects', '6.1.171'), []);
  assert.deepEqual(await ids('search', '--exploited'), []);
  assert.deepEqual(await ids('search', '100%_no_wildcards'), []);
  assert.equal((await tuxtape(['cve', 'search', '--affects', 'six'], env)).exitCode, 65);
  assert.equal((await tuxtape(['cve', 'search', '--since', '1.1.26'], env)).exitCode, 64);
});

test('show says why in sentences; history says what changed when, and how far back it reaches', async () => {
  const { ok } = await synced();
  const shown = await ok('cve', 'show', 'CVE-2026-10001');
  assert.match(shown, /Why it stands where it stands \(open, weight /);
  assert.match(
    shown,
    /No exploit is known\.[\s\S]*The CNA says 7\.8[\s\S]*Reached by [\s\S]*No kernel was looked at yet\./,
  );
  const unscored = await ok('cve', 'show', 'CVE-2026-10002');
  assert.match(unscored, /severity +not scored/);
  assert.match(unscored, /Not scored\. Predicted \w+ high: \d+ %/);
  const history = await ok('cve', 'history', 'CVE-2026-10001');
  assert.match(history, /mail +CVE-2026-10001: =HYPERLINK/);
  assert.match(history, /record +.*scored.*7\.8/);
  assert.match(history, /Records: only since \d{4}-\d\d-\d\d: this copy of vulns\.git reaches no further back\./);
});

test('CSV, OSV and JSON hold every CVE; no cell is a formula', async () => {
  const { env, ok, feed } = await synced();
  const file = join(feed.data, 'cves.csv');
  await ok('cve', 'export', '--format', 'csv', '--output', file);
  const nowhere = join(dirname(file), 'nowhere');
  const refused = await tuxtape(['cve', 'export', '--output', join(nowhere, 'x.csv')], env);
  assert.equal(refused.exitCode, 65);
  assert.match(refused.stderr, /the folder to write into does not exist/);
  await assert.rejects(stat(nowhere), { code: 'ENOENT' });
  const lines = (await readFile(file, 'utf8')).trim().split('\r\n');
  assert.equal(lines.length, 4);
  assert.match(lines[1] ?? '', /^CVE-2026-10001,published,7\.8,.*,"'=HYPERLINK\(""x""\), ""quoted"""/);
  const osv = JSON.parse(await ok('cve', 'export', '--format', 'osv')) as Record<string, unknown>[];
  assert.deepEqual(
    osv.map(({ id, withdrawn }) => [id, withdrawn !== undefined]),
    [
      ['CVE-2026-10001', false],
      ['CVE-2026-10002', false],
      ['CVE-2026-10003', true],
    ],
  );
  assert.ok(
    osv.every(
      ({ schema_version: version, modified }) => version === '1.6.0' && !Number.isNaN(Date.parse(String(modified))),
    ),
  );
  assert.equal((JSON.parse(await ok('cve', 'export', '--format', 'json')) as unknown[]).length, 3);
});

test('what people decide is counted, listed and taken back; a wrong one changes nothing', async () => {
  const { env, ok, ids } = await synced();
  await ok('cve', 'set-severity', 'CVE-2026-10002', '9.5', '--reason', 'tenants reach it', '--by', 'ann');
  assert.deepEqual(await ids('list'), ['10002', '10001', '10003']);
  assert.match(await ok('cve', 'show', 'CVE-2026-10002'), /ann set it to 9\.5\./);
  await ok('cve', 'accept', 'CVE-2026-10002', '--until', '2099-01-01', '--reason', 'no tenants', '--by', 'bob');
  assert.deepEqual(await ids('list'), ['10001', '10002', '10003']);
  await ok('cve', 'mitigate', 'CVE-2026-10001', '--blocklist', 'sctp', '--until-patched', '--reason', 'unused');
  for (const wrong of [
    ['mitigate', 'CVE-2026-10001', '--blocklist', 'sctp; reboot', '--reason', 'x'],
    ['mitigate', 'CVE-2026-10001', '--reason', 'x'],
    ['set-severity', 'CVE-2026-10001', '11', '--reason', 'x'],
    ['accept', 'CVE-2026-10001', '--until', '2020-01-01', '--reason', 'x'],
    ['note', 'CVE-2026-99999', '--reason', 'x'],
  ])
    assert.notEqual((await tuxtape(['cve', ...wrong], env)).exitCode, 0, wrong.join(' '));
  const decisions = JSON.parse(await ok('--json', 'cve', 'decisions')) as { id: string; kind: string }[];
  assert.deepEqual(decisions.map(({ kind }) => kind).sort(), ['accept', 'mitigation', 'severity']);
  const accept = decisions.find(({ kind }) => kind === 'accept')!;
  await ok('cve', 'revoke', accept.id, '--by', 'ann');
  assert.deepEqual(await ids('list'), ['10002', '10001', '10003']);
  assert.match(await ok('cve', 'history', 'CVE-2026-10002'), /decision\.revoke by ann/);
});
