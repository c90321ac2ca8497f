/** Readers of severity signals against servers that speak the real formats, and that throttle, cut off and lie. */
import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { hasCode } from '#domain';
import { readEpss, readExploits, readKev, readNvd, readVulnrichment, type SignalDoor } from '#feed';
import { Git, run } from '#host';
import { signalDoor } from '#pipeline';
import { scratch } from '../../../testkit/scratch.ts';
import { epssCsv, fakeFile, fakeNvd, kevCatalog, type NvdCve } from '../../../testkit/signal-server.ts';

const all = (): boolean => true;
const VECTOR = 'CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H';

/** The real network, with a clock that does not wait: `slept` keeps what it was asked to. */
function door(now = '2026-11-24T02:00:00Z'): SignalDoor & { slept: number[] } {
  const slept: number[] = [];
  return {
    ...signalDoor(new AbortController().signal),
    now: () => new Date(now),
    slept,
    sleep: async (ms) => void slept.push(ms),
  };
}

function nvdCve(number: number, part: Partial<NvdCve> = {}): NvdCve {
  return { id: `CVE-2026-${number}`, modified: '2026-11-01T10:00:00.000', vector: VECTOR, printed: 7.8, ...part };
}

test('NVD is read page by page, with its pause between two requests and the key in its header', async () => {
  await using nvd = await fakeNvd(
    [1000, 1001, 1002, 1003, 1004].map((number) => nvdCve(number)),
    2,
  );
  const outside = door();
  const { signals, cursor } = await readNvd(outside, { address: nvd.url, key: 'a key', cursor: null });
  assert.deepEqual(signals.map(({ cve }) => cve).length, 5);
  assert.deepEqual(
    nvd.requests.map(({ url }) => url.searchParams.get('startIndex')),
    ['0', '2', '4'],
  );
  assert.ok(nvd.requests.every(({ apiKey }) => apiKey === 'a key'));
  assert.deepEqual(outside.slept, [6_000, 6_000]);
  assert.equal(cursor, '2026-11-24T02:00:00.000Z');
});

test('NVD is asked only for what was modified since, in windows it accepts', async () => {
  await using nvd = await fakeNvd([nvdCve(1000), nvdCve(1001, { modified: '2025-12-01T00:00:00.000' })]);
  const { signals } = await readNvd(door(), { address: nvd.url, key: null, cursor: '2026-01-01T00:00:00.000Z' });
  assert.deepEqual(
    signals.map(({ cve }) => cve),
    ['CVE-2026-1000'],
  );
  assert.equal(nvd.requests.length, 3, '328 days are three windows');
});

test('NVD throttles: the reader waits longer each time, then goes on, or gives up with what to do', async () => {
  await using nvd = await fakeNvd([nvdCve(1000)]);
  nvd.refuse = new Set([0, 1, 2]);
  const outside = door();
  const { signals } = await readNvd(outside, { address: nvd.url, key: null, cursor: null });
  assert.equal(signals.length, 1);
  assert.deepEqual(outside.slept, [10_000, 20_000, 40_000]);
  nvd.refuse = new Set(Array.from({ length: 20 }, (_, index) => index));
  await assert.rejects(readNvd(door(), { address: nvd.url, key: null, cursor: null }), (error) =>
    hasCode(error, 'signal-throttled'),
  );
});

test('NVD lies: a printed score, a CVE of somebody else, items that are not there', async () => {
  await using nvd = await fakeNvd([
    nvdCve(1000, { printed: 0.1 }),
    nvdCve(1001, { cna: 'liar' }),
    nvdCve(1002, { vector: 'CVSS:3.1/AV:X' }),
  ]);
  const { signals, bad } = await readNvd(door(), { address: nvd.url, key: null, cursor: null });
  const [first] = signals;
  assert.ok(first?.value.source === 'nvd');
  assert.equal(first.value.judgements[0]?.score, 7.8, 'the score is that of the vector');
  assert.deepEqual(bad.map(({ item }) => item).toSorted(), ['CVE-2026-1001', 'CVE-2026-1002']);
  nvd.missing = 3;
  await assert.rejects(readNvd(door(), { address: nvd.url, key: null, cursor: null }), (error) =>
    hasCode(error, 'signal-truncated'),
  );
});

test('NVD answers with nothing, with no time, or with less than it said: nothing is taken for read', async () => {
  await using nvd = await fakeNvd([]);
  const read = (cursor: string | null, outside = door()) => readNvd(outside, { address: nvd.url, key: null, cursor });
  await assert.rejects(read(null), (error) => hasCode(error, 'signal-truncated'));
  assert.equal((await read('2026-11-01T00:00:00.000Z')).signals.length, 0, 'nothing was modified since');
  nvd.timestamp = 'today';
  await assert.rejects(read('2026-11-01T00:00:00.000Z'), (error) => hasCode(error, 'signal-unreadable'));
  await using shrinking = await fakeNvd([nvdCve(1000), nvdCve(1001), nvdCve(1002)], 1);
  const outside = door();
  outside.sleep = async () => void shrinking.cves.shift();
  const shrunk = readNvd(outside, { address: shrinking.url, key: null, cursor: null });
  await assert.rejects(shrunk, (error) => hasCode(error, 'signal-truncated'));
});

test('NVD is read on from the clock that is behind: its own, or ours', async () => {
  await using nvd = await fakeNvd([nvdCve(1000)]);
  const cursor = async (now: string) =>
    (await readNvd(door(now), { address: nvd.url, key: null, cursor: null })).cursor;
  assert.equal(await cursor('2026-11-24T05:00:00Z'), '2026-11-24T02:00:00.000Z');
  assert.equal(await cursor('2026-11-23T05:00:00Z'), '2026-11-23T05:00:00.000Z');
});

test("nobody's Retry-After is believed without a limit", async () => {
  await using nvd = await fakeNvd([nvdCve(1000)]);
  nvd.refuse = new Set([0]);
  nvd.retryAfter = 86_400;
  const outside = door();
  await readNvd(outside, { address: nvd.url, key: null, cursor: null });
  assert.deepEqual(outside.slept, [600_000]);
});

test('a list in which thousands of rows cannot be read is refused as a whole', async () => {
  const rows = Array.from({ length: 1_001 }, (_, index) => `CVE-2026-${1000 + index},2,2`);
  await using epss = await fakeFile(epssCsv(['CVE-2026-9999,0.1,0.1', ...rows.slice(1)]));
  assert.equal((await readEpss(door(), epss.url, all)).bad.length, 1_000);
  epss.content = Buffer.from(epssCsv(rows));
  await assert.rejects(readEpss(door(), epss.url, all), (error) => hasCode(error, 'signal-unreadable'));
  await using kev = await fakeFile(kevCatalog(rows.map(() => ({ cve: 'none' }))));
  await assert.rejects(readKev(door(), kev.url, all), (error) => hasCode(error, 'signal-unreadable'));
});

test('what is no file that can be read is set aside by its CVE: a pipe, a folder, a link, one too long', {
  timeout: 30_000,
}, async () => {
  const folder = await scratch();
  const place = (name: string) => join(folder, name, 'metadata.json');
  for (const name of ['CVE-2026-1000_pipe', 'CVE-2026-1001_long', 'CVE-2026-1003_link'])
    await mkdir(join(folder, name));
  await run('mkfifo', [place('CVE-2026-1000_pipe')], { env: Git.environment() });
  await writeFile(place('CVE-2026-1001_long'), 'x'.repeat((1 << 20) + 1));
  await mkdir(place('CVE-2026-1002_folder'), { recursive: true });
  await symlink('/dev/zero', place('CVE-2026-1003_link'));
  const { signals, bad } = await readExploits(door(), { directory: folder, list: null });
  assert.deepEqual(signals, []);
  assert.deepEqual(
    bad.map(({ item }) => /CVE-2026-\d+/.exec(item)?.[0]),
    ['CVE-2026-1000', 'CVE-2026-1001', 'CVE-2026-1002', 'CVE-2026-1003'],
  );
});

test('KEV: a catalog is read; one that is cut, short or an error page is refused', async () => {
  await using kev = await fakeFile(kevCatalog([{ cve: 'CVE-2026-1000', ransomware: true }, { cve: 'no id' }]));
  const { signals, bad, newest } = await readKev(door(), kev.url, all);
  assert.deepEqual(
    signals.map(({ cve, value }) => [cve, value.source === 'kev' && value.ransomware]),
    [['CVE-2026-1000', true]],
  );
  assert.equal(bad.length, 1);
  assert.equal(newest?.toISOString(), '2026-11-20T17:04:19.979Z');
  kev.serving = 'cut';
  await assert.rejects(readKev(door(), kev.url, all), (error) => hasCode(error, 'http-failed'));
  kev.serving = 'error-page';
  await assert.rejects(readKev(door(), kev.url, all), (error) => hasCode(error, 'signal-unreadable'));
  kev.serving = 'whole';
  kev.content = Buffer.from(kevCatalog([{ cve: 'CVE-2026-1000' }], 9));
  await assert.rejects(readKev(door(), kev.url, all), (error) => hasCode(error, 'signal-truncated'));
});

test('EPSS: gzipped or not, by a redirect; a half file and shares that are none are refused', async () => {
  const csv = epssCsv(['CVE-2026-1000,0.00043,0.11', 'CVE-2026-1001,1.5,0.2', 'CVE-1999-0001,0.01,0.7', 'nonsense']);
  await using epss = await fakeFile(gzipSync(csv));
  epss.serving = 'redirect';
  const { signals, bad, newest } = await readEpss(door(), epss.url, (cve) => cve.startsWith('CVE-2026'));
  assert.deepEqual(
    signals.map(({ cve, value }) => [cve, value.source === 'epss' && value.probability]),
    [['CVE-2026-1000', 0.00043]],
  );
  assert.equal(bad.length, 2);
  assert.equal(newest?.toISOString(), '2026-11-23T00:00:00.000Z');
  epss.serving = 'loop';
  await assert.rejects(readEpss(door(), epss.url, all), (error) => hasCode(error, 'http-failed'));
  epss.serving = 'whole';
  epss.content = gzipSync(csv).subarray(0, -20);
  await assert.rejects(readEpss(door(), epss.url, all), (error) => hasCode(error, 'signal-truncated'));
  epss.content = Buffer.from(csv.slice(0, -4));
  await assert.rejects(readEpss(door(), epss.url, all), (error) => hasCode(error, 'signal-truncated'));
  epss.content = Buffer.from('cve,epss\nCVE-2026-1000,0.1\n');
  await assert.rejects(readEpss(door(), epss.url, all), (error) => hasCode(error, 'signal-unreadable'));
});

const ADP = (exploitation: string): string =>
  JSON.stringify({
    dataType: 'CVE_RECORD',
    containers: {
      cna: {},
      adp: [
        { title: 'CVE Program Container', providerMetadata: { shortName: 'CVE' } },
        {
          title: 'CISA ADP Vulnrichment',
          providerMetadata: { shortName: 'CISA-ADP', dateUpdated: '2026-05-23T19:01:13.408Z' },
          metrics: [
            {
              other: {
                type: 'ssvc',
                content: {
                  options: [{ Exploitation: exploitation }, { Automatable: 'no' }, { 'Technical Impact': 'total' }],
                  timestamp: '2026-05-22T16:02:54.112450Z',
                },
              },
            },
            { cvssV3_1: { vectorString: VECTOR, baseScore: 1 } },
          ],
          problemTypes: [{ descriptions: [{ cweId: 'CWE-416' }] }],
        },
      ],
    },
  });

/** Commits a folder's files to a git repository in it, whose branch is not called master. */
async function commitAll(folder: string): Promise<void> {
  const git = (...args: string[]): Promise<unknown> =>
    run('git', ['-C', folder, '-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args], {
      env: Git.environment(),
    });
  await git('init', '--quiet', '--initial-branch=develop');
  await git('add', '--all');
  await git('commit', '--quiet', '--message', 'x');
}

test('Vulnrichment: a folder and a repository say the same, and what did not change is not read again', async () => {
  const folder = await scratch();
  await mkdir(join(folder, '2026/1xxx'), { recursive: true });
  await writeFile(join(folder, '2026/1xxx/CVE-2026-1000.json'), ADP('poc'));
  await writeFile(join(folder, '2026/1xxx/CVE-2026-1001.json'), '{"containers":{}}');
  await writeFile(join(folder, '2026/1xxx/CVE-2026-1002.json'), 'not JSON');
  await writeFile(join(folder, '2026/1xxx/CVE-2026-2000.json'), ADP('active'));
  const ours = (cve: string): boolean => cve.startsWith('CVE-2026-10');
  const first = await readVulnrichment(folder, ours, new Map());
  assert.deepEqual(
    first.signals.map(({ cve, at, value }) => [cve, at, value.source === 'vulnrichment' && value.exploitation]),
    [['CVE-2026-1000', '2026-05-22T16:02:54.112Z', 'poc']],
  );
  assert.deepEqual(
    first.bad.map(({ item }) => item),
    ['CVE-2026-1002'],
  );
  await commitAll(folder);
  const repository = await readVulnrichment(folder, ours, new Map());
  assert.deepEqual(repository.signals, first.signals);
  assert.ok(repository.newest !== null);
  const known = new Map(repository.items.map(({ cve, file }) => [cve, file.oid]));
  assert.equal((await readVulnrichment(folder, ours, known)).items.length, 0);
});

test('public exploits: kernelCTF folders in both shapes of the schema, and a list', async () => {
  const folder = await scratch();
  const metadata = (cve: string, exploits: unknown): string =>
    JSON.stringify({
      submission_ids: ['exp129'],
      vulnerability: {
        cve,
        requirements: { attack_surface: [], capabilities: ['CAP_NET_ADMIN'], kernel_config: ['CONFIG_NF_TABLES'] },
      },
      exploits,
    });
  const write = async (name: string, text: string): Promise<void> => {
    await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, name, 'metadata.json'), text);
  };
  await write('pocs/CVE-2026-1000_lts', metadata('CVE-2026-1000', [{ environment: 'lts', uses: ['userns'] }]));
  await write('pocs/CVE-2026-1001_cos', metadata('CVE-2026-1001', { cos: { uses: ['userns'] } }));
  await write('pocs/CVE-2026-1002_cos', '{}');
  await writeFile(join(folder, 'list.txt'), '# seen\nCVE-2026-1000 https://example.org/a\nCVE-2026-1003\nwhat\n');
  const { signals, bad } = await readExploits(door(), { directory: folder, list: join(folder, 'list.txt') });
  const told = Object.fromEntries(
    signals.map(({ cve, value }) => [cve, value.source === 'exploits' ? value.exploits.map(({ where }) => where) : []]),
  );
  assert.deepEqual(told, {
    'CVE-2026-1000': ['kernelCTF exp129', 'https://example.org/a'],
    'CVE-2026-1001': ['kernelCTF exp129'],
    'CVE-2026-1003': ['listed'],
  });
  assert.equal(bad.length, 2);
  await writeFile(join(folder, 'list.txt'), '<html>sorry</html>\n');
  await assert.rejects(readExploits(door(), { directory: null, list: join(folder, 'list.txt') }), (error) =>
    hasCode(error, 'signal-unreadable'),
  );
});
