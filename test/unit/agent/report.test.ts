import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noContact } from '../../../src/agent/journal.ts';
import { hostVex } from '../../../src/agent/report/openvex.ts';
import type { AgentStatus } from '../../../src/agent/report/status.ts';
import { cvesText, effectiveText, metricsText, statusText } from '../../../src/agent/report/texts.ts';
import { parseSettings } from '../../../src/agent/settings.ts';
import { readOpenVex } from '../../../testkit/openvex.ts';

const loaded = { number: 4, moduleName: 'tuxtape_four', cves: ['CVE-2026-2', 'CVE-2026-10', 'CVE-2026-1'] };
const status: AgentStatus = {
  version: 2,
  at: '2026-11-03T09:00:00.000Z',
  bootId: 'boot',
  kernel: { release: '6.1.170-3 x', buildId: 'a'.repeat(40) },
  ring: 'default',
  level: 'normal',
  state: 'accepted',
  release: null,
  loaded,
  standing: 'current',
  note: 'the newest release is loaded',
  error: null,
  alarm: null,
  failed: [],
  recalled: [],
  uncleanBoots: 0,
  archive: { url: 'https://archive', lastContact: noContact.last, metadataExpires: null, unreachableSince: null },
  server: null,
};
const unknown: AgentStatus = {
  ...status,
  loaded: null,
  standing: 'unknown',
  error: { code: 'archive-offline', what: 'the archive cannot be reached', remedy: null },
  archive: { ...status.archive, unreachableSince: '2026-11-01T09:00:00.000Z' },
};

test('what is closed is listed, a line each, and what is not known is said', () => {
  const lines = cvesText(status).split('\n');
  assert.deepEqual(
    lines.filter((line) => line.startsWith('CVE')),
    ['CVE-2026-1', 'CVE-2026-10', 'CVE-2026-2'],
  );
  assert.match(cvesText(unknown), /# no livepatch is on\n# this host is unknown: what it lacks cannot be said\n$/);
  assert.equal(effectiveText(status), '6.1.170-3 x+tuxtape.4\n');
  assert.equal(effectiveText(unknown), '6.1.170-3 x\n');
});

test('people are told since when, and why', () => {
  assert.match(statusText(unknown), /standing +unknown: what this host lacks cannot be said/);
  assert.match(statusText(unknown), /not reached or not believed since 2026-11-01/);
  assert.match(statusText(unknown), /error +archive-offline: the archive cannot be reached/);
  assert.match(statusText({ ...status, alarm: 'it does not come off' }), /^ALARM +it does not come off$/m);
});

test('the statement of a host is OpenVEX, of this very kernel, and there is none where nothing is closed', () => {
  const document = readOpenVex(hostVex(status));
  assert.equal(document.statements.length, 3);
  assert.deepEqual([...new Set(document.statements.map((statement) => statement.status))], ['fixed']);
  assert.match(document.statements[0]!.products[0]!['@id'], /^pkg:generic\/linux@6\.1\.170-3%20x\?build_id=a{40}$/);
  assert.equal(hostVex(unknown), null);
  assert.notEqual((hostVex({ ...status, bootId: 'other' }) as { '@id': string })['@id'], document['@id']);
});

test('the metrics are in the text format, and no sample is made up', () => {
  for (const line of metricsText(status).trim().split('\n'))
    assert.match(line, /^(?:# (?:HELP|TYPE) tuxtape_agent_\w+ .+|tuxtape_agent_\w+(?:\{\w+="[\w-]+"\})? \d+)$/);
  assert.doesNotMatch(metricsText(status), /last_contact|problem/, 'never reached: no time; no problem: no sample');
  assert.match(metricsText(unknown), /^tuxtape_agent_problem\{code="archive-offline"\} 1$/m);
});

test('settings are strict: a slip is no setting', () => {
  const good = { archive: 'https://archive.example/x' };
  assert.equal(parseSettings(good).soakSeconds, 600);
  const bad: unknown[] = [
    null,
    [],
    {},
    { ...good, archive: 'ftp://x' },
    { ...good, soakSecond: 5 },
    { ...good, soakSeconds: '5' },
    { ...good, soakSeconds: -1 },
    { ...good, transitionSeconds: 0 },
    { ...good, ring: 'A ring' },
    { ...good, health: 'is-well' },
    { ...good, health: [] },
    { ...good, health: ['is-well'] },
    { ...good, textfile: 'relative' },
  ];
  for (const value of bad) assert.throws(() => parseSettings(value), TypeError, JSON.stringify(value));
});
