import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type RebootAction, rebootActions } from '#domain';
import {
  argumentsOf,
  checkSteps,
  counted,
  GOING_DOWN_SECONDS,
  isOver,
  MOST_TRIES,
  type Moment,
  nextMove,
  type PlanRecord,
  parseHooks,
  parseJournal,
  planId,
  type StepOutcome,
  startsLeft,
} from '#reboot';

const TARGET = 'ab'.repeat(20);
const OLD = 'cd'.repeat(20);
const plans: readonly (readonly RebootAction[])[] = [
  ['mitigate'],
  ['reboot'],
  ['mitigate', 'kexec'],
  ['drain', 'reboot', 'return'],
  ['migrate', 'kexec', 'return'],
  ['checkpoint', 'kexec', 'restore'],
  ['mitigate', 'drain', 'checkpoint', 'reboot', 'restore', 'return'],
];
const brings: Partial<Record<RebootAction, RebootAction>> = {
  drain: 'return',
  migrate: 'return',
  checkpoint: 'restore',
};

/** What may happen at one step: the hook's end, and where the runner or the machine dies. */
const anyEvent = fc.record({
  outcome: fc.constantFrom<StepOutcome>('done', 'done', 'done', 'failed', 'timed-out'),
  /** `runner`, `power`: dies while the hook runs; `between`: power is cut after the step. */
  death: fc.constantFrom<'none' | 'runner' | 'power' | 'between'>('none', 'none', 'none', 'runner', 'power', 'between'),
  kernel: fc.constantFrom(TARGET, TARGET, OLD, null),
  goesDown: fc.constantFrom(true, true, true, false),
});
type Event = Parameters<Parameters<typeof anyEvent.map>[0]>[0];

/** A machine on which a plan is carried out, with a death at any place. */
class Model {
  records: PlanRecord[];
  boots = 0;
  kernel: string | null = OLD;
  uptime = 100;
  readonly ran: RebootAction[] = [];
  readonly #plan: readonly RebootAction[];
  /** Forward steps that were begun while an earlier one was not done. */
  wrong: string[] = [];

  constructor(plan: readonly RebootAction[]) {
    this.#plan = plan;
    const boots = plan.some((step) => step === 'kexec' || step === 'reboot');
    this.records = [{ ...this.now(), plan: 'plan-0001', what: 'start', steps: plan, target: boots ? TARGET : null }];
  }

  now(): Moment {
    return { boot: `boot-${this.boots}`, kernel: this.kernel, uptime: this.uptime, at: '' };
  }

  add(record: Record<string, unknown>): void {
    this.records.push({ ...this.now(), plan: 'plan-0001', ...record } as PlanRecord);
  }

  power(kernel: string | null): void {
    this.boots += 1;
    this.kernel = kernel;
    this.uptime = 30;
  }

  /** One move; false: it waits or is over. */
  move(event: Event): boolean {
    const move = nextMove(this.records, this.now());
    this.uptime += 1;
    if (move.do === 'end') this.add({ what: 'end', outcome: move.outcome, why: move.why });
    else if (move.do === 'settle') this.add({ what: 'after', step: move.step, outcome: move.outcome, said: move.why });
    else if (move.do === 'wait') {
      if (event.goesDown) this.power(event.kernel);
      else this.uptime += GOING_DOWN_SECONDS;
    } else this.#run(move.step, event);
    return move.do !== 'end';
  }

  #run(step: RebootAction, event: Event): void {
    const isForward = !Object.values(brings).includes(step);
    const done = (one: RebootAction): boolean =>
      this.records.some((record) => record.what === 'after' && record.step === one && record.outcome === 'done');
    if (isForward) {
      const before = this.#plan.slice(0, this.#plan.indexOf(step));
      if (!before.every(done)) this.wrong.push(`${step} before ${before.filter((one) => !done(one)).join()}`);
      if (this.ran.includes(step)) this.wrong.push(`${step} twice`);
      if (this.ran.some((one) => Object.values(brings).includes(one)))
        this.wrong.push(`${step} after work was brought back`);
    }
    this.add({ what: 'before', step });
    this.ran.push(step);
    if (event.death === 'runner') return;
    if (event.death === 'power') return this.power(event.kernel);
    this.add({ what: 'after', step, outcome: event.outcome, said: '' });
    if (event.death === 'between') this.power(event.kernel);
  }
}

describe('a plan that is carried out', () => {
  test('whatever dies: one start of a kernel, in order, and what was taken away is brought back', () => {
    const ends = new Map<string, number>();
    fc.assert(
      fc.property(fc.constantFrom(...plans), fc.infiniteStream(anyEvent), (plan, events) => {
        const model = new Model(plan);
        for (let i = 0; model.move(events.next().value as Event); i += 1) assert.ok(i < 100, 'it has an end');
        assert.deepEqual(model.wrong, []);
        assert.ok(model.ran.filter((step) => step === 'kexec' || step === 'reboot').length <= 1);
        for (const step of model.ran)
          if (brings[step]) assert.ok(model.ran.includes(brings[step]), `${step}: no way back`);
        for (const step of ['restore', 'return'] as const)
          assert.ok(model.ran.filter((one) => one === step).length <= MOST_TRIES);
        const last = model.records.at(-1)!;
        assert.ok(last.what === 'end' && isOver(model.records));
        ends.set(last.outcome, (ends.get(last.outcome) ?? 0) + 1);
        const outcomes = new Map(
          model.records.flatMap((one) => (one.what === 'after' ? [[one.step, one.outcome]] : [])),
        );
        const back = model.ran.flatMap((step) => brings[step] ?? []).every((step) => outcomes.get(step) === 'done');
        assert.equal(last.outcome === 'unsure', !back, 'a person looks exactly when work may be away');
        if (last.outcome !== 'done') return;
        assert.ok(plan.every((step) => outcomes.get(step) === 'done'));
        if (plan.includes('kexec') || plan.includes('reboot')) assert.equal(model.kernel, TARGET);
      }),
      { numRuns: 2_000 },
    );
    for (const end of ['done', 'failed', 'unsure']) assert.ok((ends.get(end) ?? 0) > 50, `${end}: ${ends.get(end)}`);
  });

  test('a boot that nobody asked for brings work back and no second boot', () => {
    const model = new Model(['checkpoint', 'reboot', 'restore']);
    const calm = { outcome: 'done', death: 'none', kernel: TARGET, goesDown: true } as const;
    model.move({ ...calm, death: 'between' });
    while (model.move(calm));
    assert.deepEqual(model.ran, ['checkpoint', 'restore']);
    assert.match(JSON.stringify(model.records.at(-1)), /"failed".*by itself/);
  });

  test('a step that was refused ends the way forward', () => {
    const model = new Model(['drain', 'reboot', 'return']);
    const calm = { outcome: 'done', death: 'none', kernel: TARGET, goesDown: true } as const;
    model.move(calm);
    model.add({ what: 'refused', step: 'reboot', why: 'a stop' });
    while (model.move(calm));
    assert.deepEqual(model.ran, ['drain', 'return']);
    assert.match(JSON.stringify(model.records.at(-1)), /"failed".*a stop/);
  });

  test('steps that make no plan are refused', () => {
    for (const steps of plans) checkSteps(steps, TARGET);
    const wrong: readonly (readonly RebootAction[])[] = [
      ...([[], ['drain'], ['reboot', 'kexec'], ['kexec', 'reboot'], ['return'], ['drain', 'return']] as const),
      ...([
        ['drain', 'reboot'],
        ['reboot', 'return'],
        ['checkpoint', 'reboot', 'return'],
        ['reboot', 'reboot'],
      ] as const),
    ];
    for (const steps of wrong) assert.throws(() => checkSteps(steps, TARGET), { code: 'plan-invalid' }, steps.join());
    assert.throws(() => checkSteps(['reboot'], null), { code: 'plan-invalid' });
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...rebootActions), { maxLength: 8 }), (steps) => {
        try {
          checkSteps(steps, TARGET);
        } catch {
          return;
        }
        for (const step of steps) if (brings[step]) assert.ok(steps.includes(brings[step]));
      }),
    );
  });
});

describe('words that hooks get', () => {
  test('a plan id is a plain word, whatever a server sends', () => {
    assert.equal(planId('web-2026-11-25'), 'web-2026-11-25');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        try {
          assert.match(planId(text), /^[a-z0-9][a-z0-9-]*[a-z0-9]$/);
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error;
        }
      }),
    );
    const wrong = [
      '',
      'short',
      '-dash-in-front',
      'with space in',
      'a/../../etc/x',
      '$(reboot)--',
      'UPPERCASE-ID',
      'newline-x\n',
      'x'.repeat(65),
    ];
    for (const text of wrong) assert.throws(() => planId(text), { code: 'plan-invalid' }, text);
  });

  test('only whole words are replaced, one by one', () => {
    const words = ['--step', '{step}', '{plan-id}', '{constructor}'.slice(1), 'a b;c'];
    const got = argumentsOf(words, { step: 'drain', plan: 'plan-0001' });
    assert.deepEqual(got, ['--step', 'drain', 'plan-0001', 'constructor}', 'a b;c']);
  });
});

describe('hooks.json', () => {
  const hook = { program: '/bin/true', timeoutSeconds: 5 };

  test('is read', () => {
    const file = parseHooks({
      hooks: { drain: { ...hook, arguments: ['{plan-id}'] } },
      facts: { comesBack: true, scheduled: hook, nextKernel: hook },
    });
    assert.deepEqual(file.hooks.get('drain'), { ...hook, arguments: ['{plan-id}'], pauseSeconds: null });
    assert.equal(file.rebootsPerDay, 1);
    assert.deepEqual([file.facts.get('comesBack'), file.nextKernel?.program], [true, '/bin/true']);
  });

  test('a slip is refused', () => {
    const wrong = [
      ...[
        null,
        [],
        { hook: {} },
        { hooks: [] },
        { hooks: { sh: hook } },
        { facts: { stopped: false } },
        { facts: { comesBack: 'yes' } },
      ],
      ...[{ rebootsPerDay: -1 }, { rebootsPerDay: 25 }, { rebootsPerDay: 1.5 }, { rebootsPerDay: null }],
      ...[
        { program: 'true' },
        { program: 7 },
        { timeoutSeconds: 0 },
        { timeoutSeconds: 1e9 },
        { shell: true },
        { arguments: 'x' },
      ].map((part) => ({ hooks: { drain: { ...hook, ...part } } })),
      ...[['--id={plan-id}'], ['{planid}'], ['{host}'], ['a\0b'], [3]].map((words) => ({
        hooks: { drain: { ...hook, arguments: words } },
      })),
      { hooks: { drain: { program: '/bin/true' } } },
      JSON.parse('{"hooks": {"__proto__": {"program": "/bin/true", "timeoutSeconds": 5}}}'),
    ];
    for (const value of wrong) assert.throws(() => parseHooks(value), TypeError, JSON.stringify(value));
  });
});

describe('the journal', () => {
  const records = new Model(['reboot']).records;
  const line = `${JSON.stringify(records[0])}\n`;

  test('cut anywhere, holds the whole lines before the cut', () => {
    const bytes = Buffer.from(line.repeat(3));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length }), (at) => {
        const whole = Math.floor(at / line.length);
        const read = parseJournal(bytes.subarray(0, at), 'x');
        assert.deepEqual([read.records.length, read.bytes], [whole, whole * line.length]);
      }),
    );
  });

  test('damage before its end is said', () => {
    for (const bad of ['nonsense\n', '{}\n', '{"what":"before"}\n', '\n', line.replace('reboot', 'sh')])
      assert.throws(() => parseJournal(Buffer.from(line + bad + line), 'x'), { code: 'journal-damaged' }, bad);
  });
});

describe('the cap on starts of kernels', () => {
  test('never more a day of running than it lets, whatever the boots are', () => {
    const anyStep = fc.record({
      seconds: fc.integer({ min: 1, max: 50_000 }),
      reboots: fc.boolean(),
      noticed: fc.boolean(),
      asks: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60 }), fc.integer({ min: 0, max: 3 }), (steps, perDay) => {
        let [clock, boot, bootedAt] = [0, 0, 0];
        let count = { ran: 0, boot: 'boot-0', uptime: 0, starts: [] as readonly number[] };
        const started: number[] = [];
        for (const { seconds, reboots, noticed, asks } of steps) {
          clock += seconds;
          if (reboots) [boot, bootedAt] = [boot + 1, clock];
          if (!noticed) continue;
          count = { ...count, ...counted(count, { boot: `boot-${boot}`, uptime: clock - bootedAt }) };
          if (!asks || startsLeft(count, perDay) === 0) continue;
          count = { ...count, starts: [...count.starts, count.ran] };
          started.push(clock);
        }
        for (const at of started)
          assert.ok(started.filter((other) => other <= at && at - other < 86_400).length <= perDay);
      }),
    );
  });

  test('a day later it lets one happen again', () => {
    const count = { ran: 10, boot: 'a', uptime: 10, starts: [10] };
    assert.equal(startsLeft(counted(count, { boot: 'a', uptime: 86_409 }), 1), 0);
    assert.equal(startsLeft(counted(count, { boot: 'a', uptime: 86_410 }), 1), 1);
    assert.equal(startsLeft(counted(count, { boot: 'b', uptime: 86_399 }), 1), 0);
    assert.equal(startsLeft(counted(count, { boot: 'b', uptime: 86_400 }), 1), 1);
  });
});
