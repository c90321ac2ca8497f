/** The fleet rung: who has the vulnerable module loaded, or can have it; it never clears, and unknown is never less. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CveRecord, type Fleet, type HostModules, type LoadableModule, moduleExposures } from '#domain';
import { decide, exposureOf, rank } from '#triage';
import { compiled, profileOfParts } from '../../../testkit/profile.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const record: CveRecord = {
  id: 'CVE-2026-10001',
  state: 'published',
  source: 'record',
  title: 'x',
  description: 'x',
  files: ['fs/smb/server/x.c'],
  ranges: [{ introduced: { version: '5.4', commit: COMMIT }, fixed: { version: '6.1.171', commit: COMMIT } }],
  cvssVector: null,
  rationale: null,
  vulnerableCommits: [],
  references: [],
};

function module(part: Partial<LoadableModule> = {}): LoadableModule {
  return { onDemand: [], hardware: [], needs: [], wants: [], ...part };
}

function report(host: string, modules: readonly string[] = [], part: Partial<HostModules> = {}): HostModules {
  const at = new Date('2026-11-24T00:00:00Z');
  return { host, at, modules: new Set(modules), blocked: new Set(), blacklisted: new Set(), ...part };
}

function fleet(part: Partial<Fleet> & { modules?: Record<string, LoadableModule> } = {}): Fleet {
  const { modules = { ksmbd: module() }, ...rest } = part;
  const facts = { release: '6.1.170', modules: new Map(Object.entries(modules)), builtIn: new Set<string>() };
  return { facts, reports: [report('a'), report('b')], silent: 0, days: 7, ...rest };
}

function said(of: Fleet | null, targets: readonly string[] = ['ksmbd']) {
  const objects = targets.map((target, i) => compiled(`fs/smb/server/x${i}.o`, 'fs/smb/server/x.c', target));
  const profile = profileOfParts({ objects, files: new Map([['fs/smb/server/x.c', objects.map((_, i) => i)]]) });
  const verdict = decide(record, { version: '6.1.170', arch: 'x86_64', profile, fleet: of });
  assert.equal(verdict.status, 'affected', 'whatever the fleet says');
  const evidence = verdict.evidence.find(({ rung }) => rung === 'fleet');
  return { sentence: evidence?.sentence ?? '', outcome: evidence?.outcome, exposure: exposureOf(verdict.evidence) };
}

test('a module that is loaded names its hosts, five at most', () => {
  const reports = Array.from({ length: 40 }, (_, i) => report(`h${i}`, i < 7 ? ['ksmbd'] : []));
  const { sentence, exposure } = said(fleet({ reports }));
  assert.equal(exposure, 'loaded');
  assert.equal(sentence, 'ksmbd is loaded on 7 of 40 hosts that reported (h0, h1, h2, h3, h4 and 2 more).');
});

test('a module that is loaded nowhere says what can have it loaded', () => {
  const nowhere = 'ksmbd is loaded nowhere among 2 hosts that reported in the last 7 days';
  const of = (part: Partial<LoadableModule>) => said(fleet({ modules: { ksmbd: module(part) } }));
  assert.equal(
    of({ onDemand: ['net-pf-16-proto-9'] }).sentence,
    `${nowhere}, but a program can have it loaded: net-pf-16-proto-9.`,
  );
  assert.equal(of({ hardware: ['pci:v1*'] }).sentence, `${nowhere}, but its hardware has it loaded: pci:v1*.`);
  assert.equal(of({}).exposure, 'by-name');
});

test('silent hosts and missing lists are unknown, never "not loaded"', () => {
  assert.equal(said(fleet({ silent: 1 })).exposure, 'unknown');
  assert.match(said(fleet({ silent: 1 })).sentence, /It is not known .* 1 host said nothing for 7 days/);
  assert.equal(said(fleet({ reports: [] })).exposure, 'unknown');
  assert.equal(said(fleet({ silent: 3, reports: [report('a', ['ksmbd'])] })).exposure, 'loaded');
  assert.equal(said(null).exposure, null, 'nothing known, nothing said');
});

test('without module data the worst is assumed, and that nobody knows is said', () => {
  const { exposure, sentence } = said(fleet({ facts: null }));
  assert.deepEqual([exposure, /not known what can have it loaded/.test(sentence)], ['on-demand', true]);
  assert.equal(said(fleet({ modules: {} })).exposure, 'on-demand', 'a module that the data does not name');
});

test('vmlinux is on every host, and the most exposed module counts', () => {
  assert.equal(said(fleet(), ['ksmbd', 'vmlinux']).exposure, 'always');
  const two = fleet({ modules: { ksmbd: module(), cifs: module({ hardware: ['usb:x'] }) } });
  assert.equal(said(two, ['ksmbd', 'cifs']).exposure, 'hardware');
});

test('modprobe.d keeps a module out only where it does', () => {
  const blocked = { blocked: new Set(['ksmbd']) };
  const listed = { blacklisted: new Set(['ksmbd']) };
  const both = (part: Partial<HostModules>): HostModules[] => [report('a', [], part), report('b', [], part)];
  const onDemand = module({ onDemand: ['net-pf-1'] });
  assert.equal(said(fleet({ modules: { ksmbd: onDemand }, reports: both(blocked) })).exposure, 'blocked');
  assert.equal(said(fleet({ modules: { ksmbd: onDemand }, reports: both(listed) })).exposure, 'blocked');
  const oneOnly = [report('a', [], blocked), report('b')];
  assert.equal(said(fleet({ modules: { ksmbd: onDemand }, reports: oneOnly })).exposure, 'on-demand');
  const needed = { ksmbd: onDemand, user: module({ onDemand: ['net-pf-2'], needs: ['ksmbd'] }) };
  assert.equal(said(fleet({ modules: needed, reports: both(listed) })).exposure, 'on-demand', 'loaded with its user');
  const tcp = { tcp_bbr: module() };
  const reports = both({ blacklisted: new Set(['tcp_bbr']) });
  assert.equal(said(fleet({ modules: tcp, reports }), ['tcp_bbr']).exposure, 'on-demand', 'asked for by its name');
  assert.equal(said(fleet({ facts: null, reports: both(listed) })).exposure, 'on-demand');
});

test('whatever hosts say, a CVE stays affected, and only hosts that all reported make it less', () => {
  const names = fc.subarray(['ksmbd', 'cifs']);
  const reports = fc.array(
    fc
      .record({ loaded: names, blocked: names, blacklisted: names })
      .map(({ loaded, blocked, blacklisted }) =>
        report('h', loaded, { blocked: new Set(blocked), blacklisted: new Set(blacklisted) }),
      ),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(reports, fc.nat({ max: 1 }), fc.boolean(), (all, silent, isKnown) => {
      const { exposure, outcome } = said(fleet({ reports: all, silent, ...(isKnown ? {} : { facts: null }) }));
      assert.equal(outcome, 'inconclusive', 'it never clears');
      const isLess = moduleExposures.indexOf(exposure!) > moduleExposures.indexOf('unknown');
      const isNowhere = all.length > 0 && silent === 0 && all.every(({ modules }) => !modules.has('ksmbd'));
      assert.equal(isLess, isNowhere);
    }),
  );
});

test('a module that is loaded nowhere weighs less, never nothing; with its hardware alone, less than for any user', () => {
  const weight = (loadedNowhere: 'on-demand' | 'hardware' | null, open = 0, affected = 1): number =>
    rank(
      {
        record: { id: 'CVE-2026-10001', state: 'published', files: [], cvssVector: null },
        score: 7.8,
        predicted: 0,
        signals: [],
        person: { severity: null, accepted: null },
        exposure: { affected, open, kernels: 3, loadedNowhere },
        announced: null,
      },
      new Date('2026-11-24T00:00:00Z'),
    ).weight;
  assert.ok(weight(null) > weight('on-demand') && weight('on-demand') > weight('hardware'));
  assert.ok(weight('hardware') > weight(null, 0, 0), 'more than what affects no kernel');
  assert.equal(weight('hardware', 1), weight(null), 'a kernel that is not decided may have it anywhere');
});
