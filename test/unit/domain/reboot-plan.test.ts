import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type CveId,
  type CveStanding,
  isReady,
  losses,
  type MitigationOffer,
  noFacts,
  parseRebootFacts,
  planReboot,
  type RebootFacts,
  type RebootInput,
  rebootActions,
  rebootFactNames,
  rebootWays,
} from '#domain';

const TARGET = 'ab'.repeat(20);
const OTHER = 'cd'.repeat(20);

/** A host on which everything is known to be possible. */
const able: RebootFacts = {
  hooks: [...rebootActions],
  stopped: false,
  rebootsLeft: 1,
  nextKernel: TARGET,
  pauses: { migrate: 1, checkpoint: 2, restore: 3, kexec: 10, reboot: 100, drain: 0 },
  kexecAllowed: true,
  comesBack: true,
  interruptible: true,
  scheduled: true,
  roomElsewhere: true,
  guestsMovable: true,
  checkpointable: true,
  imageRoom: true,
};

function standing(n: number, more: Partial<CveStanding> = {}): CveStanding {
  return { cve: `CVE-2026-${1000 + n}`, now: 'open', livepatch: false, after: 'none', ...more };
}

function input(more: Partial<RebootInput> = {}): RebootInput {
  return {
    ...{ host: 'web-1', unknownExposure: null, cves: [standing(1)], mitigations: [], target: TARGET },
    ...{ facts: able, dontWait: false },
    ...more,
  };
}

const blocklist = (cves: readonly CveId[], holds: boolean | null): MitigationOffer => ({
  mitigation: { kind: 'modprobe-blocklist', module: 'ksmbd' },
  cves,
  works: { sentence: 'ksmbd is not loaded', holds },
});

const anyKnown = fc.constantFrom(true, false, null);
const anyAction = fc.constantFrom(...rebootActions);
const anyFacts: fc.Arbitrary<RebootFacts> = fc.record({
  hooks: fc.option(fc.uniqueArray(anyAction)),
  stopped: anyKnown,
  rebootsLeft: fc.option(fc.integer({ min: 0, max: 3 })),
  nextKernel: fc.constantFrom(TARGET, OTHER, null),
  pauses: fc.dictionary(anyAction, fc.integer({ min: 0, max: 600 }), { noNullPrototype: true }),
  ...(Object.fromEntries(rebootFactNames.map((name) => [name, anyKnown])) as Record<
    (typeof rebootFactNames)[number],
    typeof anyKnown
  >),
});
/** Mostly able hosts, so that plans do come out. */
const anyHost = fc.oneof(anyFacts, fc.constant(able), fc.record({ ...nearlyAble() }));

function nearlyAble(): { [K in keyof RebootFacts]: fc.Arbitrary<RebootFacts[K]> } {
  const parts = Object.entries(able).map(([name, value]) => [
    name,
    fc.oneof(
      { weight: 12, arbitrary: fc.constant(value) },
      { weight: 1, arbitrary: fc.constant(name === 'pauses' ? {} : null) },
    ),
  ]);
  return Object.fromEntries(parts) as { [K in keyof RebootFacts]: fc.Arbitrary<RebootFacts[K]> };
}

const anyStandings = fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { maxLength: 12 }).chain((numbers) =>
  fc.tuple(
    ...numbers.map((n) =>
      fc
        .record({
          now: fc.oneof(
            { weight: 8, arbitrary: fc.constant('open' as const) },
            { weight: 3, arbitrary: fc.constantFrom('closed' as const, 'none' as const, 'unknown' as const) },
          ),
          livepatch: fc.constantFrom(false, false, true, null),
          after: fc.oneof(
            { weight: 8, arbitrary: fc.constant('none' as const) },
            { weight: 2, arbitrary: fc.constantFrom('open' as const, 'unknown' as const) },
          ),
        })
        .map((more) => standing(n, more)),
    ),
  ),
);
const anyOffer = fc
  .tuple(fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 4 }), anyKnown)
  .map(([numbers, holds]) =>
    blocklist(
      numbers.map((n) => standing(n).cve),
      holds,
    ),
  );
const anyInput: fc.Arbitrary<RebootInput> = fc.record({
  host: fc.constant('web-1'),
  unknownExposure: fc.constantFrom(null, null, null, null, 'it is silent'),
  cves: anyStandings,
  mitigations: fc.array(anyOffer, { maxLength: 3 }),
  target: fc.constantFrom(TARGET, TARGET, null),
  facts: anyHost,
  dontWait: fc.boolean(),
});

describe('a plan for a host', () => {
  test('proposes nothing of which a precondition is not known to hold', () => {
    let proposals = 0;
    fc.assert(
      fc.property(anyInput, (given) => {
        const { proposal } = planReboot(given);
        if (proposal === null) return;
        proposals += 1;
        const parts = [...proposal.mitigations, ...(proposal.way === null ? [] : [proposal.way])];
        assert.ok(parts.length > 0);
        for (const { preconditions } of parts)
          assert.deepEqual(
            preconditions.filter(({ holds }) => holds !== true),
            [],
          );
      }),
      { numRuns: 500 },
    );
    assert.ok(proposals > 50, `only ${proposals} of 500 plans proposed anything`);
  });

  test('each single thing that is not known takes every way that asks for it away', () => {
    for (const name of [...rebootFactNames, 'stopped', 'rebootsLeft', 'nextKernel', 'hooks'] as const) {
      const before = rebootWays(able, TARGET).filter(isReady);
      const after = rebootWays({ ...able, [name]: null }, TARGET).filter(isReady);
      assert.ok(after.length < before.length, name);
    }
    assert.deepEqual(rebootWays(able, null).filter(isReady), []);
    assert.deepEqual(rebootWays({ ...able, nextKernel: OTHER }, TARGET).filter(isReady), []);
    assert.deepEqual(rebootWays({ ...able, rebootsLeft: 0 }, TARGET).filter(isReady), []);
    assert.deepEqual(rebootWays({ ...able, stopped: true }, TARGET).filter(isReady), []);
    assert.deepEqual(rebootWays(noFacts, TARGET).filter(isReady), []);
  });

  test('lists every open and every undecided CVE with what would close it', () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        const plan = planReboot(given);
        const ids = (now: string): string[] => given.cves.filter((one) => one.now === now).map(({ cve }) => cve);
        assert.deepEqual(plan.open.map(({ cve }) => cve).toSorted(), ids('open').toSorted());
        assert.deepEqual(plan.unknown.map(({ cve }) => cve).toSorted(), ids('unknown').toSorted());
        for (const { cve, closers, onlyBy } of [...plan.open, ...plan.unknown]) {
          const of = given.cves.find((one) => one.cve === cve)!;
          const kernel = closers.find(({ by }) => by === 'kernel')!;
          assert.equal(closers.find(({ by }) => by === 'livepatch')!.holds, of.livepatch);
          assert.equal(kernel.holds === true, given.target !== null && of.after === 'none');
          const offers = given.mitigations.filter(({ cves }) => cves.includes(cve));
          assert.equal(closers.filter(({ by }) => by === 'mitigation').length, offers.length);
          if (onlyBy !== null) assert.ok(closers.every(({ by, holds }) => (by === onlyBy ? true : holds === false)));
        }
      }),
    );
  });

  test('closes most, then costs least, and more than it opens', () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        const plan = planReboot(given);
        if (given.unknownExposure !== null) return assert.equal(plan.proposal, null);
        const counted = plan.open.filter(({ counted: is }) => is);
        const closable = (way: boolean): number =>
          counted.filter(
            ({ cve, closers }) =>
              (way && closers.some(({ by, holds }) => by === 'kernel' && holds === true)) ||
              plan.mitigations.some((one) => isReady(one) && one.closes.includes(cve)),
          ).length;
        const ready = plan.ways.filter(isReady);
        const cost = plan.opens.length + plan.mayOpen.length;
        const best = Math.max(0, closable(false), ready.length === 0 ? 0 : closable(true) - cost);
        const { proposal } = plan;
        if (proposal === null) return assert.equal(best, 0);
        assert.equal(proposal.closes.length - (proposal.way === null ? 0 : cost), best);
        if (proposal.way === null) return assert.equal(best, closable(false));
        assert.ok(best > closable(false), 'a kernel is started only for what mitigations leave open');
        for (const other of ready) {
          const [a, b] = [losses.indexOf(proposal.way.loses), losses.indexOf(other.loses)];
          assert.ok(a < b || (a === b && (proposal.way.pauseSeconds ?? 1e9) <= (other.pauseSeconds ?? 1e9)));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('the cheapest way is that which loses least; without it the next', () => {
    const named = (facts: RebootFacts): string | undefined => planReboot(input({ facts })).proposal?.way?.name;
    assert.equal(named(able), 'migrate+kexec');
    assert.equal(named({ ...able, guestsMovable: null }), 'checkpoint+kexec');
    assert.equal(named({ ...able, guestsMovable: false, kexecAllowed: false }), 'checkpoint+reboot');
    assert.equal(named({ ...able, guestsMovable: false, checkpointable: null }), 'drain+kexec');
    assert.equal(named({ ...able, roomElsewhere: false, imageRoom: null }), 'kexec');
    assert.equal(named({ ...able, roomElsewhere: false, imageRoom: null, interruptible: null }), undefined);
  });

  test('expected pause: the sum of what its actions take, or not known', () => {
    const pause = (name: string, facts = able): number | null | undefined =>
      rebootWays(facts, TARGET).find((way) => way.name === name)?.pauseSeconds;
    assert.equal(pause('checkpoint+kexec'), 15);
    assert.equal(pause('migrate+reboot'), 1);
    assert.equal(pause('reboot'), 100);
    assert.equal(pause('checkpoint+kexec', { ...able, pauses: { checkpoint: 2, kexec: 10 } }), null);
  });

  test('a CVE that a livepatch closes, or may, is no reason to start another kernel', () => {
    for (const livepatch of [true, null]) {
      const plan = planReboot(input({ cves: [standing(1, { livepatch })] }));
      assert.equal(plan.proposal, null);
      assert.equal(plan.open.length, 1);
      assert.equal(
        planReboot(input({ cves: [standing(1, { livepatch })], dontWait: true })).proposal?.closes.length,
        1,
      );
    }
  });

  test('what a loaded livepatch closes is open again under a kernel that has it', () => {
    const lost = [standing(2, { now: 'closed', after: 'open' }), standing(3, { now: 'none', after: 'unknown' })];
    const plan = planReboot(input({ cves: [standing(1), ...lost] }));
    assert.deepEqual([plan.opens, plan.mayOpen], [['CVE-2026-1002'], ['CVE-2026-1003']]);
    assert.equal(plan.proposal, null, 'one closed, two open: worse than nothing');
    const worth = planReboot(input({ cves: [standing(1), standing(4), standing(5), ...lost] }));
    assert.deepEqual(worth.proposal?.closes.length, 3);
  });

  test('a mitigation that closes as much as a kernel is cheaper; one that is not known to work is none', () => {
    const cves = [standing(1), standing(2)];
    const both = cves.map(({ cve }) => cve);
    assert.equal(planReboot(input({ cves, mitigations: [blocklist(both, true)] })).proposal?.way, null);
    const unsure = planReboot(input({ cves, mitigations: [blocklist(both, null)] }));
    assert.notEqual(unsure.proposal?.way, null);
    assert.deepEqual(unsure.proposal?.onlySo, [], 'it is not known that nothing else closes them');
    const partly = planReboot(input({ cves, mitigations: [blocklist(both.slice(0, 1), true)] }));
    assert.equal(partly.proposal?.way?.name, 'migrate+kexec');
    assert.deepEqual([partly.proposal?.onlySo, partly.proposal?.mitigations], [['CVE-2026-1002'], []]);
  });

  test('unknown exposure is said and nothing is proposed', () => {
    const plan = planReboot(input({ unknownExposure: 'the host is silent', cves: [] }));
    assert.equal(plan.proposal, null);
    assert.equal(plan.unknownExposure, 'the host is silent');
    assert.match(plan.why.join(' '), /unknown: the host is silent/);
  });
});

describe('facts of a host', () => {
  test('are read as they are written', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        assert.deepEqual(parseRebootFacts(JSON.parse(JSON.stringify(facts))), { ...facts });
      }),
    );
    assert.deepEqual(parseRebootFacts({}), noFacts);
  });

  test('a slip or a wrong kind makes all of them unbelievable', () => {
    const wrong = [
      ...[null, [], 'yes', 3, { kexecAlowed: true }, { kexecAllowed: 'yes' }, { stopped: 0 }, { hooks: ['sh'] }],
      ...[
        { hooks: ['drain', 'drain'] },
        { hooks: 'drain' },
        { rebootsLeft: -1 },
        { rebootsLeft: 1.5 },
        { nextKernel: 'x' },
      ],
      ...[{ pauses: { sh: 1 } }, { pauses: { drain: -1 } }, { pauses: { drain: '1' } }, { pauses: null }],
      JSON.parse('{"__proto__": {"interruptible": true}}'),
      JSON.parse('{"pauses": {"drain": 1e999}}'),
    ];
    for (const value of wrong) assert.equal(parseRebootFacts(value), null, JSON.stringify(value));
  });

  test('no text makes it throw', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        parseRebootFacts(value);
      }),
    );
  });
});
