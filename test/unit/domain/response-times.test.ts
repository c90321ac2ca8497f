import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type ResponseStage,
  type ResponseTimes,
  responseFigures,
  responseOf,
  responseStages,
  type StageTimes,
} from '#domain';

function at(hours: Partial<Record<ResponseStage, number>>): StageTimes {
  const entries = responseStages.map((stage) => {
    const hour = hours[stage];
    return [stage, hour === undefined ? null : new Date(Date.UTC(2026, 10, 1) + hour * 3_600_000)] as const;
  });
  return Object.fromEntries(entries) as unknown as StageTimes;
}

function row(hours: Partial<Record<ResponseStage, number>>, backlog = false): ResponseTimes {
  return { cve: 'CVE-2026-1000', kernel: 'web', times: at(hours), backlog };
}

const WHOLE = { published: 0, read: 1, verdict: 2, built: 4, proved: 5, approved: 30, released: 31, accepted: 40 };

test('the whole way is its steps', () => {
  const { steps, totalSeconds, reached, unknown, disordered } = responseOf(at(WHOLE));
  assert.deepEqual(
    steps.map(({ to, seconds }) => [to, seconds / 3_600]),
    [
      ['read', 1],
      ['verdict', 1],
      ['built', 2],
      ['proved', 1],
      ['approved', 25],
      ['released', 1],
      ['accepted', 9],
    ],
  );
  assert.deepEqual([totalSeconds, reached, unknown, disordered], [40 * 3_600, 'accepted', [], []]);
});

test('a gap is said to be one, and is never a zero', () => {
  const { steps, unknown } = responseOf(at({ ...WHOLE, read: undefined as never, approved: undefined as never }));
  assert.deepEqual(unknown, ['read', 'approved']);
  const gap = steps.find(({ to }) => to === 'released')!;
  assert.deepEqual([gap.from, gap.seconds / 3_600, gap.unknown], ['proved', 26, ['approved']]);
  const figures = responseFigures([row({ ...WHOLE, approved: undefined as never }), row({ published: 0, built: 3 })]);
  const approved = figures.steps.find(({ to }) => to === 'approved')!;
  assert.deepEqual([approved.count, approved.median, approved.longest], [0, null, null]);
  const released = figures.steps.find(({ to }) => to === 'released')!;
  assert.deepEqual([released.count, released.unknown, released.median], [0, 1, null]);
  assert.deepEqual(figures.open, { built: 1 });
  const nothing = responseFigures([]);
  assert.ok([...nothing.steps, nothing.whole].every(({ median, p90, longest }) => median ?? p90 ?? longest === null));
});

test('what was published before its kernel was there is in no figure, and is counted', () => {
  const figures = responseFigures([row(WHOLE), row({ ...WHOLE, accepted: 9_000 }, true)]);
  assert.deepEqual([figures.counted, figures.backlog, figures.whole.longest], [1, 1, 40 * 3_600]);
});

test('times in the wrong order make no negative step', () => {
  const { steps, disordered, totalSeconds } = responseOf(at({ ...WHOLE, verdict: 6 }));
  assert.deepEqual(disordered, ['built', 'proved']);
  assert.ok(steps.every(({ seconds }) => seconds >= 0));
  assert.equal(totalSeconds, 40 * 3_600);
  assert.equal(responseOf(at({ published: 50, accepted: 40 })).totalSeconds, null);
});

test('whatever is known: steps are not negative, do not overlap, and add up to the way between their ends', () => {
  const hours = fc.record(
    Object.fromEntries(responseStages.map((stage) => [stage, fc.option(fc.nat(50), { nil: undefined })])),
  );
  fc.assert(
    fc.property(hours, (some) => {
      const times = at(some);
      const { steps, disordered, unknown, reached } = responseOf(times);
      steps.forEach((step, i) => {
        assert.ok(step.seconds >= 0);
        if (i > 0) assert.equal(step.from, steps[i - 1]!.to);
      });
      const [first, last] = [steps[0], steps.at(-1)];
      if (first !== undefined && last !== undefined) {
        const sum = steps.reduce((all, { seconds }) => all + seconds, 0);
        assert.equal(sum, (times[last.to]!.getTime() - times[first.from]!.getTime()) / 1000);
      }
      const known = responseStages.filter((stage) => times[stage] !== null).length;
      assert.equal(known, steps.length + disordered.length + (known > 0 ? 1 : 0));
      assert.ok(unknown.every((stage) => times[stage] === null));
      assert.equal(reached === null, known === 0);
    }),
  );
});
