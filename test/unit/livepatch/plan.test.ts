import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LivepatchError, makePlan, type PlanSubject, type Step } from '#livepatch';
import { runPlan } from '../../../src/livepatch/verify/run-plan.ts';
import { Session } from '../../../src/livepatch/verify/session.ts';
import type { CommandResult, Machine } from '../../../src/livepatch/vm/machine.ts';

const file = fc.constantFrom('a.ko', 'b-c.ko', 'd.ko');
const subjects = fc.record({
  moduleName: fc.constant('tuxtape_sample'),
  path: fc.constant('/livepatch/0.ko'),
  functions: fc.array(
    fc.record({ object: fc.constantFrom('vmlinux', 'a'), name: fc.constantFrom('one', 'two.isra.0') }),
    { minLength: 1 },
  ),
  targetFiles: fc.uniqueArray(file),
  neededFiles: fc.uniqueArray(file),
  reproducer: fc.option(fc.constant('/reproducer/0')),
  next: fc.oneof(
    fc.constant({ why: 'none was given' }),
    fc.constant({ moduleName: 'tuxtape_next', path: '/livepatch/0.next.ko', what: 'by another' }),
  ),
});

test('every plan ends by cleaning up, needs only what came before, and forces nothing', () => {
  fc.assert(
    fc.property(subjects, (subject: PlanSubject) => {
      const plan = makePlan(subject);
      assert.equal(plan.at(-1)!.always, true);
      const done = new Set<string>();
      for (const { name, needs, command } of plan) {
        if (needs !== undefined) assert.ok(done.has(needs), `${name} needs ${needs}`);
        assert.ok(!command.includes('/force'), 'a transition is never forced');
        done.add(name);
      }
      const loud = plan.filter(({ quiet }) => quiet !== true).map(({ name }) => name);
      assert.deepEqual(loud, [...new Set(loud)], 'no two checks have one name');
    }),
  );
});

interface Script {
  /** By a part of the command; a thrown error is what the machine does. */
  readonly answers: readonly (readonly [string, CommandResult | Error])[];
  readonly log?: string;
}

/** Machines that answer every command with exit code 0, but for what a script says; one script for each boot. */
function sessionOf(scripts: readonly Script[]): { session: Session; commands: string[]; boots: () => number } {
  const commands: string[] = [];
  let boots = 0;
  const boot = async (): Promise<Machine> => {
    const script = scripts[boots];
    boots += 1;
    if (script === undefined) throw new LivepatchError('vm-boot-failed', 'kernel-source', { what: 'no more machines' });
    let console = 'booted\n';
    return {
      accelerator: 'tcg',
      run: async (command) => {
        commands.push(command);
        if (command.includes('/dev/kmsg')) console += `[    1.000000] ${/'(.*)'/.exec(command)![1]}\n`;
        const answer = script.answers.find(([part]) => command.includes(part))?.[1];
        if (answer !== undefined) console += script.log ?? '';
        if (answer instanceof Error) throw answer;
        return answer ?? { exitCode: 0, output: '' };
      },
      console: async () => console,
      restarted: async () => {},
      stop: async () => {},
    };
  };
  const clock = { now: () => new Date(0), monotonicMs: () => 0, sleep: async () => {} };
  const look = async () => ({ checks: [], broken: new Set<string>(), reports: new Set<string>() });
  return { session: new Session({ boot, look, clock }), commands, boots: () => boots };
}

const step = (name: string, more: Partial<Step> = {}): Step => ({
  name,
  command: name,
  judge: { by: 'exit' },
  ...more,
});
const died = new LivepatchError('vm-died', 'kernel-source', { what: 'the machine died' });
const OOPS = `[    2.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008
[    2.000000] #PF: supervisor read access in kernel mode
[    2.000000] Oops: 0000 [#1] SMP
[    2.000000] CPU: 0 PID: 100 Comm: sh Not tainted 6.1.170 #1
[    2.000000] RIP: 0010:sample+0x5/0x10
[    2.000000] Call Trace:
[    2.000000]  <TASK>
[    2.000000]  do_syscall_64+0x3a/0x90
[    2.000000]  </TASK>
[    2.000000] ---[ end trace 0000000000000000 ]---
`;

test('after a failure that stops, only what cleans up is run', async () => {
  const { session, commands } = sessionOf([{ answers: [['bad', { exitCode: 1, output: 'no' }]] }]);
  const plan = [step('good'), step('bad', { onFailure: 'stop' }), step('more'), step('clean', { always: true })];
  const run = await runPlan(plan, session, () => {});
  assert.deepEqual(commands.slice(1), ['good', 'bad', 'clean']);
  assert.deepEqual(
    run.checks.map(({ name, outcome }) => `${name} ${outcome}`),
    ['good passed', 'bad failed', 'clean passed'],
  );
  assert.equal(run.isClean, false);
});

test('a machine that dies is a failed check with its last words, and nothing more is asked of it', async () => {
  const { session, commands } = sessionOf([{ answers: [['bad', died]] }]);
  const run = await runPlan([step('bad'), step('more'), step('clean', { always: true })], session, () => {});
  assert.deepEqual(commands.slice(1), ['bad']);
  assert.deepEqual(
    run.checks.map(({ outcome, detail }) => [outcome, detail]),
    [['failed', 'the machine died']],
  );
  assert.equal(run.isClean, false);
});

test('what needs a step that was skipped is skipped, and says why; quiet steps are silent unless they fail', async () => {
  const { session } = sessionOf([
    {
      answers: [
        ['away', { exitCode: 77, output: 'in use' }],
        ['loud', { exitCode: 1, output: '' }],
      ],
    },
  ]);
  const plan = [step('away', { quiet: true }), step('late', { needs: 'away' }), step('loud', { quiet: true })];
  const { checks } = await runPlan(plan, session, () => {});
  assert.deepEqual(
    checks.map(({ name, outcome, detail }) => [name, outcome, detail]),
    [
      ['late', 'skipped', 'not done: away (in use)'],
      ['loud', 'failed', 'exit code 1'],
    ],
  );
});

test('a reproducer may break the machine: by a report, by death; the proof goes on in a new one', async () => {
  const plan = [step('repro', { judge: { by: 'reproduced' }, mayBreak: true }), step('then')];
  for (const answer of [{ exitCode: 0, output: '' }, died]) {
    const { session, boots } = sessionOf([{ answers: [['repro', answer]], log: OOPS }, { answers: [] }]);
    const run = await runPlan(plan, session, () => {});
    assert.deepEqual(
      run.checks.map(({ outcome }) => outcome),
      ['passed', 'passed'],
    );
    assert.match(run.checks[0]!.detail, /NULL|null|pointer/i);
    assert.equal(boots(), 2);
    assert.equal(run.isClean, true, 'the second machine has nothing of it');
    assert.ok(!run.log.includes('Oops') && run.earlierLog.includes('Oops'));
  }
  const silent = sessionOf([{ answers: [['repro', died]] }, { answers: [] }]);
  const hung = sessionOf([
    { answers: [['repro', new LivepatchError('vm-timed-out', 'kernel-source', { what: 'late' })]] },
    { answers: [] },
  ]);
  const outcomeOf = async ({ session }: typeof silent): Promise<string | undefined> =>
    (await runPlan(plan, session, () => {})).checks[0]?.outcome;
  assert.equal(await outcomeOf(silent), 'passed');
  assert.equal(await outcomeOf(hung), 'failed', 'a program that only hangs shows nothing');
});

test('what a kernel logs because it cannot do a thing is not held against the livepatch', async () => {
  const log = 'x86/modules: Skipping invalid relocation target, existing value is nonzero for type 1\nmodule refused\n';
  const { session } = sessionOf([{ answers: [['back', { exitCode: 1, output: 'invalid module format' }]], log }]);
  const run = await runPlan([step('back', { judge: { by: 'return' } }), step('then')], session, () => {});
  assert.deepEqual(
    run.checks.map(({ outcome }) => outcome),
    ['warned', 'passed'],
  );
  assert.equal(run.log.trim(), '');
});

test('a report in the log leaves no clean machine, and no machine at all is an error', async () => {
  const { session } = sessionOf([{ answers: [['loud', { exitCode: 0, output: '' }]], log: OOPS }]);
  assert.equal((await runPlan([step('loud')], session, () => {})).isClean, false);
  await assert.rejects(
    runPlan([step('any')], sessionOf([]).session, () => {}),
    { code: 'vm-boot-failed' },
  );
});
