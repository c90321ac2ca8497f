/** What pages read, over the real server and PostgreSQL; every answer is held against its schema. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import {
  buildersSchema,
  cveDetailSchema,
  cveFacetsSchema,
  cveHistorySchema,
  cveKernelsSchema,
  cveRowPageSchema,
  fleetSummarySchema,
  hostDetailSchema,
  hostPageSchema,
  jobDetailSchema,
  jobPageSchema,
  kernelMapSchema,
  livepatchDetailSchema,
  livepatchPageSchema,
  livepatchPatchSchema,
  overviewSchema,
  reportHostsSchema,
  reportPageSchema,
  rolloutDetailSchema,
  rolloutsSchema,
} from '#contract';
import { access } from '../../../src/server/access.ts';
import { HOSTILE, sampleServer } from '../../../testkit/sample-server.ts';
import { EVIL, fillWorld, UNDECIDED } from '../../../testkit/web-world.ts';

const headers = { host: '127.0.0.1' };
// Here, not in a hook: what a hook asks for ends with the hook.
const { app, kernel, store } = await sampleServer();
await fillWorld(store, kernel);
after(() => app.close());

async function get(path: string, status = 200): Promise<unknown> {
  const { statusCode, body } = await app.inject({ url: `/api/v1${path}`, headers });
  assert.equal(statusCode, status, `${path}: ${body}`);
  assert.doesNotMatch(body, /\/tmp\/|tuxtape-test-/, `${path} names a place on this machine`);
  return JSON.parse(body);
}

const cves = async (query: string) => cveRowPageSchema.parse(await get(`/cve-lines?${query}`));

test('pages of CVEs are everything, once, in one order; facets count the same', async () => {
  const all = (await cves('limit=500')).cves.map(({ id }) => id);
  const seen: string[] = [];
  for (let next: string | null = '0'; next !== null; ) {
    const page = await cves(`limit=7&cursor=${next}`);
    seen.push(...page.cves.map(({ id }) => id));
    next = page.next;
  }
  assert.deepEqual(seen, all);
  assert.equal(new Set(all).size, all.length);
  const facets = cveFacetsSchema.parse(await get('/cve-facets'));
  assert.equal(facets.total, all.length);
  for (const facet of [facets.severity, facets.class, facets.state, facets.reach])
    assert.equal(
      Object.values(facet).reduce((sum, count) => sum + count, 0),
      all.length,
    );
});

test('each facet keeps what the others chose, and tells what its own choice would give', async () => {
  const facets = cveFacetsSchema.parse(await get('/cve-facets?severity=high&state=published'));
  for (const [reach, count] of Object.entries(facets.reach).filter(([name]) => name !== 'unranked'))
    assert.equal((await cves(`limit=500&severity=high&state=published&reach=${reach}`)).cves.length, count, reach);
  assert.equal((await cves('limit=500&state=published&severity=critical')).cves.length, facets.severity.critical);
  assert.equal((await cves('limit=500&state=published&severity=high')).cves.length, facets.total);
});

test('search finds words in every place; what is not a choice is refused, and nothing is found quietly', async () => {
  assert.deepEqual((await cves(`q=${HOSTILE.id}`)).cves[0]?.title, HOSTILE.title);
  assert.deepEqual((await cves('q=no-such-thing-at-all')).cves, []);
  assert.ok((await cves('file=net%2F&limit=500')).cves.some(({ id }) => id === HOSTILE.id));
  for (const query of ['severity=terrible', 'limit=501', 'cursor=-1', 'q=a%00b', 'nothing=1', 'cursor=1e3'])
    await get(`/cve-lines?${query}`, 400);
});

test('one CVE: its record, what people decided, its history, and every kernel, the undecided ones too', async () => {
  const detail = cveDetailSchema.parse(await get(`/cves/${HOSTILE.id}/record`));
  assert.deepEqual([detail.title, detail.decisions[0]?.reason], [HOSTILE.title, `look here ${EVIL}`]);
  const { events, records } = cveHistorySchema.parse(await get(`/cves/${HOSTILE.id}/history`));
  assert.equal(records, null, 'there is no mirror here');
  assert.ok(events.some(({ source }) => source === 'person'));
  const kernels = cveKernelsSchema.parse(await get(`/cves/${HOSTILE.id}/kernels`));
  assert.equal(kernels.find((one) => one.kernel === UNDECIDED)?.status, null);
  assert.ok(kernels.find((one) => one.kernel === kernel)!.evidence.length > 0);
  for (const path of ['/cves/CVE-2026-99999/record', '/cves/nonsense/record', '/cves/nonsense/kernels'])
    await get(path, 404);
});

test('the overview tells a kernel that nobody decided from one without a CVE', async () => {
  const { kernels, hosts, blamed, changes } = overviewSchema.parse(await get('/overview'));
  const of = (name: string) => kernels.find((one) => one.name === name)!;
  assert.deepEqual([of(UNDECIDED).decided, of(kernel).decided], [false, true]);
  assert.deepEqual(hosts, { all: 6, silent: 1, unknownKernel: 2, flagged: 0 });
  assert.deepEqual(
    blamed.map(({ key, blamed: yes }) => [key, yes]),
    [['warn-1', true]],
  );
  const changed = changes.find(({ before }) => before !== null)!;
  assert.deepEqual([changed.kernel, changed.before, changed.after], [kernel, 'affected', 'not_affected']);
});

test('the map of a kernel counts folders with what lies below; without a profile it says so', async () => {
  const { folders } = kernelMapSchema.parse(await get(`/kernels/${kernel}/map`));
  const of = (path: string) => folders!.find((one) => one.path === path)!;
  assert.ok(of('net').files > of('net/core').files && of('net').affected >= of('net/core').affected);
  assert.ok(of('net/core').files > 0);
  const unknown = kernelMapSchema.parse(await get(`/kernels/${UNDECIDED}/map`));
  assert.deepEqual(unknown, { folders: null, elsewhere: 0 });
});

test('a livepatch: its proof, its findings, who must say yes, and the exact change', async () => {
  const { livepatches } = livepatchPageSchema.parse(await get(`/livepatches?cve=${HOSTILE.id}`));
  assert.deepEqual([livepatches.length, livepatches[0]?.needed, livepatches[0]?.passed], [1, 2, true]);
  const detail = livepatchDetailSchema.parse(await get('/livepatches/one'));
  assert.deepEqual([detail.approvals.refused, detail.approvals.counted, detail.approvals.needed], [null, 0, 2]);
  assert.match(detail.recipe.findings?.[0]?.what ?? '', /structure may grow/);
  assert.ok(detail.gate!.checks.length > 0);
  const { text } = livepatchPatchSchema.parse(await get('/livepatches/one/patch'));
  assert.match(text, /^\+\t\treturn -EINVAL;$/m);
  assert.deepEqual(livepatchPageSchema.parse(await get('/livepatches?kernel=nobody')).livepatches, []);
  await get('/livepatches/two', 404);
  await get('/livepatches/two/patch', 404);
});

test('jobs and builders: by state and by builder, page after page', async () => {
  const { jobs } = jobPageSchema.parse(await get('/jobs?limit=1'));
  assert.deepEqual([jobs[0]?.state, jobs[0]?.moduleName], ['queued', 'tuxtape_two']);
  assert.deepEqual(jobPageSchema.parse(await get('/jobs?state=failed')).jobs, []);
  assert.equal(jobDetailSchema.parse(await get(`/jobs/${jobs[0]!.id}`)).log, '');
  const [builder] = buildersSchema.parse(await get('/builders'));
  assert.deepEqual([builder?.name, builder?.kernels], ['forge-1', [kernel]]);
  await get('/jobs/none', 404);
  await get('/jobs?cursor=AAAA', 400);
});

test('hosts: page after page, by what they are; a silent one is silent and an unknown kernel unknown', async () => {
  const seen: string[] = [];
  for (let next: string | null = ''; next !== null; ) {
    const page = hostPageSchema.parse(await get(`/hosts?limit=2${next === '' ? '' : `&cursor=${next}`}`));
    seen.push(...page.hosts.map(({ name }) => name));
    next = page.next;
  }
  assert.deepEqual(seen, ['web-1', 'web-2', 'web-3', 'web-4', 'web-5', 'web-quiet']);
  const names = async (query: string) =>
    hostPageSchema.parse(await get(`/hosts?${query}`)).hosts.map(({ name }) => name);
  assert.deepEqual(await names('silent=true'), ['web-quiet']);
  assert.deepEqual(await names('state=reverted'), ['web-3']);
  assert.deepEqual(await names('q=web-q'), ['web-quiet']);
  assert.deepEqual(await names('group=db'), []);
  const host = hostDetailSchema.parse(await get('/hosts/web-3'));
  assert.deepEqual([host.kernel, host.reports[0]?.blamed, host.alarm], [kernel, true, `stuck ${EVIL}`]);
  assert.ok(host.events.some(({ kind }) => kind === 'state'));
  assert.equal(hostDetailSchema.parse(await get('/hosts/web-5')).kernel, null);
  const { groups, kernels } = fleetSummarySchema.parse(await get('/fleet'));
  assert.deepEqual(groups, [{ group: 'web', hosts: 6, silent: 1, unknownKernel: 2, flagged: 0 }]);
  assert.equal(
    kernels.reduce((sum, { hosts }) => sum + hosts, 0),
    6,
  );
  await get('/hosts/nobody', 404);
  await get('/hosts?cursor=e30', 400);
});

test('reports: the same trouble once, with the hosts that said it', async () => {
  const { reports } = reportPageSchema.parse(await get('/reports?blamed=true'));
  assert.deepEqual(
    reports.map(({ key, hosts, title }) => [key, hosts, title]),
    [['warn-1', 1, `WARNING in dev_open ${EVIL}`]],
  );
  assert.deepEqual(reportPageSchema.parse(await get('/reports?blamed=false')).reports, []);
  const { hosts, more } = reportHostsSchema.parse(await get('/reports/warn-1/hosts'));
  assert.deepEqual([hosts.map(({ name }) => name), more], [['web-3'], false]);
});

test('rollouts: where each stands, and what was asked for and is not done', async () => {
  const [row] = rolloutsSchema.parse(await get('/rollouts'));
  assert.deepEqual([row?.kernel, row?.release, row?.phase, row?.failed], [kernel, 7, 'running', 0]);
  const detail = rolloutDetailSchema.parse(await get(`/rollouts/${row?.id}`));
  assert.deepEqual(
    detail.waiting.map(({ do: what, reason }) => [what, reason]),
    [['pause', `wait ${EVIL}`]],
  );
  assert.equal(detail.rings[0]?.name, 'canary');
  assert.ok(detail.events.length > 0);
  await get('/rollouts/4f0ad3ee-0000-4000-8000-000000000000', 404);
  await get('/rollouts/none', 400);
});

test('every read route stands in the access table', () => {
  for (const path of ['overview', 'cves', 'cve-facets', 'livepatches', 'jobs', 'builders', 'hosts', 'fleet', 'reports'])
    assert.ok(access[`GET /api/v1/${path}`], path);
});
