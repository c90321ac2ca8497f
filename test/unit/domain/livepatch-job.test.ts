import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type BuildId, chooseKernel, isBuilderName, LONGEST_PASS_MS, type WaitingKernel } from '#domain';

const NOW = new Date('2026-11-25T12:00:00Z');
const ids: readonly BuildId[] = ['aa', 'bb', 'cc', 'dd', 'ee'].map((two) => two.repeat(20));
const anyWaiting: fc.Arbitrary<WaitingKernel[]> = fc.uniqueArray(
  fc.record({
    buildId: fc.constantFrom(...ids),
    priority: fc.integer({ min: 0, max: 3 }),
    since: fc.integer({ min: 0, max: 3 * LONGEST_PASS_MS }).map((ms) => new Date(NOW.getTime() - ms)),
  }),
  { selector: ({ buildId }) => buildId },
);

test('a builder gets the most urgent of what it can do, and nobody waits behind equals for more than a minute', () => {
  fc.assert(
    fc.property(anyWaiting, fc.shuffledSubarray([...ids]), (waiting, own) => {
      const chosen = chooseKernel(waiting, own, NOW);
      const mine = waiting.filter(({ buildId }) => own.includes(buildId));
      if (chosen === null) return assert.equal(mine.length, 0);
      const taken = mine.find(({ buildId }) => buildId === chosen)!;
      assert.ok(mine.every(({ priority }) => priority <= taken.priority));
      const equals = mine.filter(({ priority }) => priority === taken.priority);
      const old = equals.filter(({ since }) => NOW.getTime() - since.getTime() > LONGEST_PASS_MS);
      if (old.length > 0)
        assert.ok(
          old.every(({ since }) => since >= taken.since),
          'the oldest goes first',
        );
      else
        assert.equal(
          chosen,
          own.find((id) => equals.some(({ buildId }) => buildId === id)),
        );
    }),
    { numRuns: 2_000 },
  );
});

test('names of builders are plain', () => {
  for (const name of ['forge-1', 'a', 'x.example_2']) assert.ok(isBuilderName(name), name);
  for (const name of ['', '-a', 'A', 'a/b', '../x', 'a b', 'a'.repeat(65)]) assert.ok(!isBuilderName(name), name);
});
