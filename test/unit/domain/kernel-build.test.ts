import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type BuildEvent, type BuildStanding, isEnded, MOST_DEATHS, nextBuild } from '#domain';

const start: BuildStanding = { state: 'queued', attempt: 0, deaths: 0 };
/** Any event, of any attempt: also of workers that were forgotten, or never were. */
const anyEvent: fc.Arbitrary<BuildEvent> = fc.oneof(
  fc.constant({ type: 'claim' } as const),
  fc.constant({ type: 'cancel' } as const),
  fc.record({
    type: fc.constantFrom('release' as const, 'succeed' as const, 'fail' as const, 'falter' as const),
    attempt: fc.nat(MOST_DEATHS + 2),
  }),
);

test('whatever happens in whatever order: one attempt may write, and an end is final', () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 40 }), (events) => {
      let build = start;
      for (const event of events) {
        const writers = Array.from({ length: 10 }, (_, attempt) => attempt).filter(
          (attempt) => nextBuild(build, { type: 'succeed', attempt }) !== null,
        );
        assert.deepEqual(writers, build.state === 'running' ? [build.attempt] : []);
        const next = nextBuild(build, event);
        if (isEnded(build.state)) assert.equal(next, null, 'an end is final');
        if (next === null) continue;
        assert.ok(next.attempt >= build.attempt && next.deaths <= MOST_DEATHS);
        if (next.state === 'running') assert.equal(next.attempt, build.attempt + 1, 'each turn has its own number');
        build = next;
      }
    }),
    { numRuns: 2_000 },
  );
});

test('done is reached only by the success of the running attempt, never past a failure or a cancel', () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 40 }), (events) => {
      let build = start;
      for (const event of events) {
        const next = nextBuild(build, event);
        if (next?.state === 'done')
          assert.ok(event.type === 'succeed' && build.state === 'running' && event.attempt === build.attempt);
        build = next ?? build;
      }
    }),
    { numRuns: 2_000 },
  );
});

test('workers that die are counted until the build is parked; one that gives it back is not', () => {
  let build = start;
  for (let turn = 1; turn <= MOST_DEATHS; turn += 1) build = nextBuild(build, { type: 'claim' })!;
  assert.deepEqual(build, { state: 'running', attempt: MOST_DEATHS, deaths: MOST_DEATHS - 1 });
  const back = nextBuild(build, { type: 'release', attempt: build.attempt })!;
  assert.deepEqual([back.state, nextBuild(back, { type: 'claim' })?.deaths], ['queued', MOST_DEATHS - 1]);
  assert.equal(nextBuild(build, { type: 'claim' })?.state, 'failed');
});

test('a machine that fails a build counts as a death, and the build goes to another until it is parked', () => {
  let build = start;
  for (let turn = 1; turn < MOST_DEATHS; turn += 1) {
    build = nextBuild(nextBuild(build, { type: 'claim' })!, { type: 'falter', attempt: turn })!;
    assert.deepEqual(build, { state: 'queued', attempt: turn, deaths: turn });
  }
  build = nextBuild(nextBuild(build, { type: 'claim' })!, { type: 'falter', attempt: MOST_DEATHS })!;
  assert.deepEqual(build, { state: 'failed', attempt: MOST_DEATHS, deaths: MOST_DEATHS });
});
