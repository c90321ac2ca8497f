import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CheckIn, judgeCheckIn, type KnownHost, signedRequestText } from '#domain';

const START = Date.parse('2026-11-25T12:00:00Z');
const BUILD = 'ab'.repeat(20);

/** One machine: it says things, reboots, sends again what was lost, waits. */
class Machine {
  seq = 0;
  boot = 0;
  bootedAt = START;
  last: CheckIn | null = null;

  say(at: number): CheckIn {
    this.seq += 1;
    this.last = {
      seq: this.seq,
      at: new Date(at).toISOString(),
      bootId: `boot-${this.boot}`,
      uptimeSeconds: Math.floor((at - this.bootedAt) / 1000),
      agent: '1',
      level: 'normal',
      kernel: { buildId: BUILD, release: '6.1', arch: 'x86_64' },
      ring: null,
      labels: {},
      livepatch: { state: 'idle', release: null, sha256: null, alarm: null },
      archive: null,
      modules: null,
      reports: [],
    };
    return this.last;
  }
}

const unknown: KnownHost = {
  ...{ seq: 0, bodySha256: null, bootId: null, earlierBootId: null, uptimeSeconds: 0, seenAt: null },
  ...{ buildId: null, flags: [] },
};

/** As the store keeps it. */
function remember(known: KnownHost, said: CheckIn, body: string, now: Date): KnownHost {
  const { what, flags } = judgeCheckIn(known, said, body, now);
  if (what === 'repeat') return known;
  if (what === 'refused') return { ...known, flags };
  const { seq, bootId, uptimeSeconds, kernel } = said;
  const earlierBootId = known.bootId !== bootId ? known.bootId : known.earlierBootId;
  return {
    ...{ seq, bodySha256: body, bootId, earlierBootId, uptimeSeconds },
    seenAt: now,
    buildId: kernel.buildId,
    flags,
  };
}

const anySteps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('say' as const), wait: fc.integer({ min: 0, max: 5_000_000 }) }),
    fc.record({ do: fc.constant('reboot' as const), wait: fc.integer({ min: 1_000, max: 600_000 }) }),
    fc.record({ do: fc.constant('again' as const), wait: fc.integer({ min: 0, max: 60_000 }) }),
  ),
  { maxLength: 60 },
);

test('one honest machine with a right clock is never marked, however it reboots, waits and sends again', () => {
  fc.assert(
    fc.property(anySteps, (steps) => {
      const machine = new Machine();
      let [known, at] = [unknown, START];
      for (const step of steps) {
        at += step.wait;
        if (step.do === 'reboot') [machine.boot, machine.bootedAt] = [machine.boot + 1, at];
        else {
          const said = step.do === 'again' && machine.last !== null ? machine.last : machine.say(at);
          known = remember(known, said, JSON.stringify(said), new Date(Math.max(at, Date.parse(said.at))));
        }
        assert.deepEqual(known.flags, []);
      }
    }),
    { numRuns: 1_000 },
  );
});

test('two machines with one key are marked as soon as both have spoken twice', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }), (turns) => {
      const machines = [new Machine(), new Machine()] as const;
      machines[1].boot = 100;
      let [known, at] = [unknown, START];
      for (const isSecond of [...turns, false, true, false, true]) {
        at += 60_000;
        const said = machines[isSecond ? 1 : 0].say(at);
        known = remember(known, said, JSON.stringify(said), new Date(at));
      }
      assert.ok(known.flags.includes('cloned'));
    }),
    { numRuns: 500 },
  );
});

test('a check-in that was only late is refused, and marks nobody', () => {
  const machine = new Machine();
  const [late, next] = [machine.say(START), machine.say(START + 60_000)];
  const known = remember(unknown, next, 'next', new Date(START + 60_000));
  const judged = judgeCheckIn(known, late, 'late', new Date(START + 61_000));
  assert.deepEqual(judged, { what: 'refused', flags: [], why: [] });
});

test('what is signed names the path, the host and the body: none can be exchanged', () => {
  const text = signedRequestText('/a', 'host', 'hash');
  for (const other of [
    signedRequestText('/b', 'host', 'hash'),
    signedRequestText('/a', 'h', 'hash'),
    signedRequestText('/a', 'host', 'h'),
  ])
    assert.notEqual(text, other);
});
