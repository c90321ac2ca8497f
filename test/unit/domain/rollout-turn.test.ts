import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type BuildId,
  boundOf,
  floorOf,
  isInWindows,
  isWithin,
  MAX_ENTRIES,
  MAX_RINGS,
  MAX_ROLLOUT_FILE_BYTES,
  MAX_SPANS,
  MAX_WINDOWS,
  type MaintenanceWindow,
  type Pace,
  POSITIONS,
  parseRolloutFile,
  positionOf,
  type RolloutEntry,
  type RolloutFile,
  renderRolloutFile,
  type TurnHost,
  turn,
  WHOLE,
  windowProblem,
} from '#domain';

const BUILD: BuildId = 'ab'.repeat(20);
const SHA = 'cd'.repeat(32);
const HOST = 'host-1';
const FREE: Pace = { leastSoakSeconds: 0, largestShare: WHOLE };
const release = { buildId: BUILD, number: 3, sha256: SHA };

const entry: RolloutEntry = {
  ...{ id: 'r1', number: 3, sha256: SHA, state: 'open', onHalt: 'finish', counted: false },
  ...{ soakSeconds: 60, startWithinSeconds: 300, windows: [], rings: [{ name: 'canary', open: [[0, POSITIONS]] }] },
};
const host: TurnHost = {
  ...{ id: HOST, ring: 'canary', counted: null, seenSerial: 0, knownMs: 0, failed: [] },
  now: new Date('2026-03-02T12:00:00Z'),
};

function file(part: Partial<RolloutEntry> = {}, serial = 5): RolloutFile {
  return { version: 1, buildId: BUILD, serial, rollouts: [{ ...entry, ...part }] };
}

function codeOf(who: Partial<TurnHost>, what = file(), floors = FREE): string {
  const answer = turn({ ...host, ...who }, what, release, floors);
  return answer.go ? 'go' : answer.code;
}

test('a position is the head of a sha256, whatever the length of the texts', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary-ascii', maxLength: 200 }),
      fc.string({ maxLength: 150, unit: 'binary-ascii' }),
      (salt, id) => {
        const whole = createHash('sha256').update(`${salt}\n${id}`, 'latin1').digest();
        assert.equal(positionOf(salt, id), whole.readUIntBE(0, 6));
      },
    ),
  );
});

test('positions spread evenly: each tenth of them has a tenth of the hosts', () => {
  const counts = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 20_000; i += 1) counts[Math.floor((positionOf(SHA, `h${i}`) / POSITIONS) * 10)]! += 1;
  for (const count of counts) assert.ok(Math.abs(count - 2_000) < 200, String(counts));
});

test('it is the turn of a host in an open span of its ring, and of no other', () => {
  const at = positionOf(SHA, HOST);
  assert.equal(codeOf({}), 'go');
  assert.equal(codeOf({}, file({ rings: [{ name: 'canary', open: [[at, at + 1]] }] })), 'go');
  assert.equal(
    codeOf(
      {},
      file({
        rings: [
          {
            name: 'canary',
            open: [
              [0, at],
              [at + 1, POSITIONS],
            ],
          },
        ],
      }),
    ),
    'not-yet',
  );
  assert.equal(codeOf({ ring: 'broad' }), 'not-in-ring');
  assert.equal(codeOf({ ring: null }), 'not-in-ring');
});

test('every stop is a stop, and each says which', () => {
  assert.equal(codeOf({}, file({ state: 'paused' })), 'paused');
  assert.equal(codeOf({}, file({ state: 'halted' })), 'halted');
  assert.equal(codeOf({ failed: [SHA] }), 'failed-here');
  assert.equal(codeOf({ seenSerial: 6 }), 'stale-file');
  assert.equal(codeOf({ seenSerial: 5 }), 'go');
  assert.equal(codeOf({}, file({ number: 4 })), 'no-rollout');
  assert.equal(codeOf({}, file({ sha256: 'ef'.repeat(32) })), 'no-rollout');
  assert.equal(codeOf({}, { ...file(), buildId: 'cd'.repeat(20) }), 'other-kernel');
  const halted = turn(host, file({ state: 'halted', onHalt: 'revert' }), release, FREE);
  assert.equal(!halted.go && halted.revert, true);
});

test('where there are caps, only a host that the server counted before this file starts', () => {
  const capped = file({ counted: true });
  assert.equal(codeOf({ counted: null }, capped), 'not-counted');
  assert.equal(codeOf({ counted: 6 }, capped), 'not-counted');
  assert.equal(codeOf({ counted: 5 }, capped), 'go');
});

test('a file that opens everything hurries nobody below the floors, nor shortens the soak', () => {
  const floors = { leastSoakSeconds: 3600, largestShare: 2000 };
  const late = floorOf(positionOf(SHA, HOST), floors);
  assert.ok(late > 0, 'a host of a later step is wanted here');
  assert.equal(codeOf({ knownMs: late - 1 }, file(), floors), 'floor');
  assert.equal(codeOf({ knownMs: late }, file(), floors), 'go');
  const answer = turn({ ...host, knownMs: late }, file({ soakSeconds: 0 }), release, floors);
  assert.equal(answer.go && answer.soakSeconds, 3600);
  // Never more than the largest share in one least soak.
  for (let step = 1; step <= 5; step += 1) {
    const free = Array.from({ length: 5_000 }, (_, i) => floorOf(positionOf(SHA, `h${i}`), floors)).filter(
      (ms) => ms < step * 3_600_000,
    );
    assert.ok(free.length <= step * 1_000 + 150, `${free.length} in step ${step}`);
  }
});

test('a file that is not exactly one is none: unknown fields, wrong order, overlaps, sizes', () => {
  const good = renderRolloutFile(file());
  assert.deepEqual(parseRolloutFile(good), file());
  const bad: unknown[] = [
    null,
    [],
    { ...file(), more: 1 },
    { ...file(), version: 2 },
    { ...file(), serial: 0 },
    { ...file(), serial: 1.5 },
    { ...file(), buildId: 'AB' },
    { ...file(), rollouts: [entry, entry] },
    file({ rings: [entry.rings[0]!, entry.rings[0]!] }),
    file({ rings: [{ name: 'canary', open: [[5, 5]] }] }),
    file({
      rings: [
        {
          name: 'canary',
          open: [
            [0, 5],
            [5, 9],
          ],
        },
      ],
    }),
    file({
      rings: [
        {
          name: 'canary',
          open: [
            [8, 9],
            [0, 5],
          ],
        },
      ],
    }),
    file({ rings: [{ name: 'canary', open: [[-1, 5]] }] }),
    file({ rings: [{ name: 'canary', open: [[0, POSITIONS + 1]] }] }),
    file({ rings: [{ name: 'Canary ', open: [] }] }),
    file({ windows: [{ days: ['mon'], from: '10:00', until: '12:00', zone: 'Mars/Olympus' }] }),
    file({ windows: [{ days: [], from: '10:00', until: '12:00', zone: 'UTC' }] }),
    file({ soakSeconds: -1 }),
    file({ startWithinSeconds: 0 }),
    { ...file(), rollouts: [{ ...entry, counted: 'yes' }] },
    { ...file(), rollouts: [{ ...entry, counted: undefined }] },
  ];
  for (const value of bad) assert.equal(parseRolloutFile(JSON.stringify(value)), undefined, JSON.stringify(value));
  assert.equal(parseRolloutFile(`${good}${' '.repeat(MAX_ROLLOUT_FILE_BYTES)}`), undefined);
  assert.equal(parseRolloutFile('{'), undefined);
  fc.assert(fc.property(fc.json(), (text) => parseRolloutFile(text) === undefined));
});

const seconds = fc.integer({ min: 1, max: 15_768_000 });
const spansOf = fc.uniqueArray(fc.nat(2 ** 31), { maxLength: 12 }).map((numbers) => {
  const sorted = numbers.toSorted((a, b) => a - b);
  return Array.from({ length: sorted.length >> 1 }, (_, i) => [sorted[2 * i]!, sorted[2 * i + 1]!] as const);
});
const anyEntry: fc.Arbitrary<RolloutEntry> = fc.record({
  id: fc.uuid(),
  number: fc.integer({ min: 1, max: 1_000_000 }),
  sha256: fc.constantFrom(SHA, 'ef'.repeat(32)),
  state: fc.constantFrom('open', 'paused', 'halted'),
  onHalt: fc.constantFrom('finish', 'revert'),
  counted: fc.boolean(),
  soakSeconds: seconds,
  startWithinSeconds: seconds,
  windows: fc.constantFrom([], [{ days: ['mon'] as const, from: '22:00', until: '04:00', zone: 'Asia/Tokyo' }]),
  rings: fc.uniqueArray(fc.record({ name: fc.constantFrom('canary', 'early', 'broad'), open: spansOf }), {
    selector: ({ name }) => name,
  }),
});

test('every file that can be made is read back, and nothing is that misses a character', () => {
  const files = fc.record({
    serial: fc.integer({ min: 1 }),
    entries: fc.uniqueArray(anyEntry, { maxLength: 4, selector: ({ id }) => id }),
  });
  fc.assert(
    fc.property(files, fc.nat(), ({ serial, entries }, at) => {
      const made: RolloutFile = { version: 1, buildId: BUILD, serial, rollouts: entries };
      const text = renderRolloutFile(made);
      const read = parseRolloutFile(text);
      assert.equal(read && renderRolloutFile(read), text);
      const cut = text.slice(0, at % (text.length - 2));
      assert.equal(parseRolloutFile(cut), undefined);
    }),
  );
});

test('the largest file there can be is small enough to be read', () => {
  const step = Math.floor(POSITIONS / MAX_SPANS);
  const open = Array.from({ length: MAX_SPANS }, (_, i) => [i * step + 100_000_000_000, (i + 1) * step] as const);
  const window: MaintenanceWindow = {
    days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
    from: '01:00',
    until: '02:00',
    zone: 'America/Argentina/ComodRivadavia',
  };
  const rings = Array.from({ length: MAX_RINGS }, (_, i) => ({
    name: `${'r'.repeat(60)}${i}`,
    open: open.slice(0, MAX_SPANS / MAX_RINGS),
  }));
  const rollouts = Array.from({ length: MAX_ENTRIES }, (_, i) => ({
    ...entry,
    id: `${'i'.repeat(63)}${i}`,
    windows: Array.from({ length: MAX_WINDOWS }, () => window),
    rings,
  }));
  const most = { ...file(), serial: Number.MAX_SAFE_INTEGER, rollouts };
  assert.deepEqual(parseRolloutFile(renderRolloutFile(most)), most);
  const over = rollouts.map((one) => ({ ...one, rings: [...rings.slice(1), { name: 'one', open }] }));
  assert.equal(parseRolloutFile(renderRolloutFile({ ...most, rollouts: over })), undefined);
});

test('spans are searched, not walked, and agree with a walk', () => {
  const spans = fc.uniqueArray(fc.nat(1_000), { minLength: 2, maxLength: 40 }).map((numbers) => {
    const sorted = numbers.toSorted((a, b) => a - b);
    return Array.from({ length: sorted.length >> 1 }, (_, i) => [sorted[2 * i]!, sorted[2 * i + 1]!] as const);
  });
  fc.assert(
    fc.property(
      spans,
      fc.nat(1_001),
      (list, at) => isWithin(list, at) === list.some(([from, to]) => from <= at && at < to),
    ),
  );
  assert.equal(boundOf(WHOLE), POSITIONS);
  assert.equal(boundOf(0), 0);
});

test('windows are of the clock of their zone, over midnight and over the change to summer time', () => {
  const night = { days: ['sat'], from: '22:00', until: '04:00', zone: 'Europe/Berlin' } as const;
  const at = (text: string): boolean => isInWindows([night], new Date(text));
  // Saturday 2026-03-28 22:00 in Berlin is 21:00 UTC; clocks go forward at 01:00 UTC on Sunday.
  assert.equal(at('2026-03-28T20:59:00Z'), false);
  assert.equal(at('2026-03-28T21:00:00Z'), true);
  assert.equal(at('2026-03-29T00:59:00Z'), true);
  assert.equal(at('2026-03-29T01:59:00Z'), true);
  assert.equal(at('2026-03-29T02:00:00Z'), false);
  assert.equal(at('2026-03-29T21:00:00Z'), false);
  const office = { days: ['mon', 'fri'], from: '09:00', until: '17:00', zone: 'Asia/Kathmandu' } as const;
  assert.equal(isInWindows([office], new Date('2026-03-02T03:15:00Z')), true);
  assert.equal(isInWindows([office], new Date('2026-03-02T03:14:59Z')), false);
  assert.equal(isInWindows([office], new Date('2026-03-02T11:15:00Z')), false);
  assert.equal(isInWindows([office], new Date('2026-03-03T05:00:00Z')), false);
  assert.equal(isInWindows([], new Date()), true);
  for (const bad of [
    { ...night, zone: 'Nowhere' },
    { ...night, from: '24:00' },
    { ...night, until: '22:00' },
    { ...night, days: [] },
  ])
    assert.notEqual(windowProblem(bad), null);
});
