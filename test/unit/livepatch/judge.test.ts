import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Judge, judge } from '#livepatch';
import { type Judgement, UNLISTED } from '../../../src/livepatch/verify/judge.ts';
import { PATCHED, REDIRECTED, redirectionCheck } from '../../../src/livepatch/verify/redirection.ts';

const nothing = { broken: new Set<string>() };

function outcome(how: Judge, output: string, exitCode = 0, broken: readonly string[] = []): string {
  const { outcome: word, detail } = judge(how, { output, exitCode }, { broken: new Set(broken) });
  return `${word}: ${detail}`;
}

test('a command passes by exit code 0, and says by 77 that it could not look', () => {
  assert.match(outcome({ by: 'exit' }, 'all is well'), /^passed: all is well/);
  assert.match(outcome({ by: 'exit' }, '', 1), /^failed: exit code 1/);
  assert.match(outcome({ by: 'exit' }, 'in use', 77), /^skipped: in use/);
});

test('a reproducer shows the bug by failing, not by never ending', () => {
  assert.match(outcome({ by: 'reproduced' }, 'leaked', 1), /^passed: exit code 1: leaked/);
  assert.match(outcome({ by: 'reproduced' }, '', 77), /^passed/);
  assert.match(outcome({ by: 'reproduced' }, '', 0), /^failed/);
  for (const stopped of [124, 137, 143])
    assert.match(outcome({ by: 'reproduced' }, '', stopped), /^failed: it did not end/);
});

test('a kernel that cannot take a target module back is told apart from a livepatch that does not let go', () => {
  const failing = { output: "insmod: can't insert 'a.ko': invalid module format", exitCode: 1 };
  const log = 'x86/modules: Skipping invalid relocation target, existing value is nonzero for type 1, loc 0, val 0';
  assert.equal(judge({ by: 'return' }, failing, nothing, log).outcome, 'warned');
  assert.equal(judge({ by: 'return' }, failing, nothing, 'module a: unknown symbol').outcome, 'failed');
  assert.equal(judge({ by: 'return' }, { output: 'in use', exitCode: 77 }, nothing, '').outcome, 'skipped');
});

test('the workload fails by what it did without the livepatch, not by what it never could', () => {
  const how = { by: 'workload' } as const;
  assert.match(outcome(how, 'files 3\ntcp absent\n'), /^passed: files 3; not in this kernel: tcp/);
  assert.match(outcome(how, 'files 3\ntcp FAILED: recv (Success)\n'), /^failed: tcp FAILED: recv/);
  assert.match(
    outcome(how, 'files 3\ntcp FAILED: recv\n', 0, ['tcp']),
    /^warned: files 3; fails without the livepatch, too: tcp/,
  );
  assert.match(outcome(how, 'files 3\ntcp 0\n'), /^warned: files 3; did not come round: tcp/);
  assert.match(outcome(how, 'sh: not found'), /^failed: the workload said nothing/);
  assert.match(outcome(how, 'files 0\n'), /^failed: nothing ran/);
});

test('the state must be on, at rest, and replacing, as far as the kernel tells it', () => {
  const how = { by: 'state' } as const;
  assert.match(outcome(how, 'enabled 1\ntransition 0\nreplace 1\nstack_order 1\n'), /^passed/);
  assert.match(outcome(how, 'enabled 1\ntransition 0\n'), /^passed: .*does not tell: replace, stack_order/);
  for (const bad of ['enabled 0\ntransition 0', 'enabled 1\ntransition 1', 'enabled 1\ntransition 0\nreplace 0', ''])
    assert.match(outcome(how, bad), /^failed/);
  assert.match(outcome(how, 'enabled 1\ntransition 0\nstack_order 0\n'), /^failed/);
});

test('every object is patched, and none is missing', () => {
  const how = { by: 'objects', objects: ['vmlinux', 'nf_tables'] } as const;
  assert.match(outcome(how, 'vmlinux 1\nnf_tables 1\n'), /^passed/);
  assert.match(outcome(how, 'vmlinux 1\nnf_tables 0\n'), /^failed/);
  assert.match(outcome(how, 'vmlinux 1\n'), /^failed: vmlinux 1; missing: nf_tables/);
  assert.match(outcome(how, 'vmlinux unknown\nnf_tables unknown\n'), /^skipped/);
});

test('functions are those of the recipe, all of them and no others, and the tracer redirects them', () => {
  const functions = [{ object: 'vmlinux', name: 'one' }];
  const how = { by: 'functions', functions } as const;
  const dir = '/sys/kernel/livepatch/p';
  assert.match(
    outcome(how, `${dir}/vmlinux/one,1\n---\none (1) R I M tramp: 0xf (klp_ftrace_handler)\n`),
    /^passed: 1 functions, and/,
  );
  assert.match(outcome(how, `${dir}/vmlinux/one,1\n---\n`), /^passed: .*does not list/);
  assert.match(outcome(how, `${dir}/vmlinux/one,1\n---\nother (1) R I\n`), /^failed: the tracer does not redirect one/);
  assert.match(
    outcome(how, `${dir}/vmlinux/one,1\n${dir}/vmlinux/two,1\n---\n`),
    /^failed: missing: none; not in the recipe: vmlinux\/two/,
  );
  assert.match(outcome(how, '---\n'), /^failed: missing: vmlinux\/one/);
});

test('hits are counted where the new code runs; zero is not exercised, and silence is not measured', () => {
  const functions = ['one', 'two', 'three'].map((name) => ({ object: 'vmlinux', name }));
  const how = { by: 'hits', moduleName: 'p', functions } as const;
  const output =
    'cannot trace three\n---\none:stacktrace:count=9000\none [p]:stacktrace:count=9990\ntwo [p]:stacktrace:count=10000\n';
  const found = judge(how, { output, exitCode: 0 }, nothing);
  assert.deepEqual(
    found.hits?.map(({ hits }) => hits),
    [10, 0, null],
  );
  assert.equal(found.outcome, 'warned');
  assert.equal(found.detail, 'ran: one 10; not exercised: two; not measured: three');
  const none = judge(how, { output: 'this kernel has no function tracer', exitCode: 77 }, nothing);
  assert.deepEqual([none.outcome, none.hits?.map(({ hits }) => hits)], ['skipped', [null, null, null]]);
  const two = 'one:stacktrace:count=9990\none:stacktrace:count=9980\ntwo [other]:stacktrace:count=9000\n';
  const ambiguous = judge({ ...how, functions: [functions[0]!] }, { output: `---\n${two}`, exitCode: 0 }, nothing);
  assert.deepEqual(
    ambiguous.hits?.map(({ hits }) => hits),
    [null],
    'two old entries of one name say nothing',
  );
});

test('a kernel that tells neither what is patched nor what is redirected proves nothing', () => {
  const skipped = { outcome: 'skipped', detail: '' } as const;
  const passed = { outcome: 'passed', detail: '' } as const;
  const unlisted = { outcome: 'passed', detail: `2 functions; ${UNLISTED}` } as const;
  const checksOf = (objects: Judgement, functions: Judgement): string[] =>
    redirectionCheck(
      new Map([
        [PATCHED, objects],
        [REDIRECTED, functions],
      ]),
    ).map(({ outcome }) => outcome);
  assert.deepEqual(checksOf(skipped, unlisted), ['failed']);
  assert.deepEqual(checksOf(passed, unlisted), []);
  assert.deepEqual(checksOf(skipped, passed), []);
});
