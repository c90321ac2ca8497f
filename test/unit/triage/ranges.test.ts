/** What ranges say of versions of every kind; what they cannot tell is never cleared. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CveRecord, type Range, type RangeEnd, versionSpan } from '#domain';
import { rangesRung } from '#triage';

function end(text: string): RangeEnd | null {
  const [version, commit = null] = text.split(':');
  return version === '0' ? null : { version: version!, commit };
}

/** `introduced:commit fixed:commit`, as a line of a dyad file; `0` is unknown or none. */
function outcome(version: string, ...lines: readonly string[]): string {
  return rangesRung(record(lines), version).outcome;
}

function record(lines: readonly string[]): CveRecord {
  const ranges: Range[] = lines.map((line) => {
    const [introduced, fixed] = line.split(' ');
    return { introduced: end(introduced!), fixed: end(fixed!) };
  });
  return { id: 'CVE-2026-10001', ranges } as unknown as CveRecord;
}

test('a release candidate may hold what the CNA dates to its release', () => {
  assert.equal(outcome('6.17-rc3', '6.17:a 6.18:b'), 'unknown');
  assert.equal(outcome('6.17.0-rc3', '6.17:a 6.18:b'), 'unknown', 'as uname -r says it');
  assert.equal(outcome('6.17-rc3', '6.17-rc1:a 6.18:b'), 'affected');
  assert.equal(outcome('6.17-rc3', '6.17-rc5:a 6.18:b'), 'unknown', 'its upper end is the release');
  assert.equal(outcome('6.17-rc3', '6.18:a 6.19:b'), 'not-introduced');
  assert.equal(outcome('6.17-rc3', '6.1:a 6.17-rc2:b'), 'fixed');
  assert.equal(outcome('6.17-rc3', '6.1:a 6.17:b'), 'unknown', 'the fix may have come with a later candidate');
});

test('a name of a distribution that hides the stable level is not taken for the mainline release', () => {
  for (const name of ['6.1.0-40-amd64', '6.1.0-40-cloud-amd64', '6.1.0-1019-aws']) {
    assert.equal(outcome(name, '5.4:a 6.1.171:b'), 'unknown', 'its level may have the fix');
    assert.equal(outcome(name, '6.1.50:a 6.1.171:b'), 'unknown', 'its level may have the bug');
    assert.equal(outcome(name, '5.4:a 6.2:b'), 'affected', 'no level has a fix');
    assert.equal(outcome(name, '5.4:a 6.0:b'), 'fixed', 'every level has it');
    assert.equal(outcome(name, '6.2:a 6.3:b'), 'not-introduced');
  }
  assert.equal(outcome('5.14.0-427.el9.x86_64', '6.2:a 6.3:b'), 'unknown', 'it takes from any later version');
  assert.equal(outcome('5.14.0-427.el9.x86_64', '5.2:a 5.10:b'), 'fixed');
  assert.equal(outcome('6.4.0-150600.23.7-default', '6.5:a 6.6:b'), 'unknown');
});

test('a name that tells the level is read as it is', () => {
  for (const name of ['6.1.170', '6.1.170-3', '6.1.170+', '6.1.170-custom', '6.1.170+deb13-amd64', '6.1.170-1.fc40']) {
    assert.equal(outcome(name, '5.4:a 6.1.171:b'), 'affected', name);
    assert.equal(outcome(name, '5.4:a 6.1.170:b'), 'fixed', name);
  }
  assert.equal(outcome('6.1.0', '6.1.5:a 6.1.9:b'), 'not-introduced', 'kernel.org names its releases so, too');
  assert.equal(outcome('6.1.170-00012-gabcdef0', '6.1.171:a 6.1.172:b'), 'unknown', 'commits on top of a tag');
});

test('a branch that nobody fixed any more stays affected, and only it', () => {
  assert.equal(outcome('6.4.10', '6.4.8:a 0', '6.5:b 6.6:c'), 'affected');
  assert.equal(outcome('6.4.7', '6.4.8:a 0', '6.5:b 6.6:c'), 'not-introduced');
  assert.equal(outcome('6.5.1', '6.4.8:a 0', '6.5.2:b 6.6:c'), 'not-introduced');
});

test('a branch with several fixes needs all of them; a fix from before the bug clears nothing', () => {
  assert.equal(outcome('6.1.110', '5.4:a 6.1.105:b', '5.4:a 6.1.113:c'), 'affected');
  assert.equal(outcome('6.1.113', '5.4:a 6.1.105:b', '5.4:a 6.1.113:c'), 'fixed');
  assert.equal(outcome('5.15.50', '5.4:a 5.14:b', '5.4:a 5.15.100:c'), 'affected', 'mainline had a first fix');
  assert.equal(outcome('6.1', '5.10:a 5.2:b', '5.10:a 5.10.110:c'), 'unknown');
  assert.equal(outcome('5.10.110', '5.10:a 5.2:b', '5.10:a 5.10.110:c'), 'fixed');
});

test('property: what clears a name clears every version it may stand for', () => {
  const version = fc.constantFrom(
    '0',
    '5.4',
    '5.4.20',
    '5.14',
    '6.0',
    '6.1',
    '6.1.5',
    '6.1.50',
    '6.2',
    '6.5-rc2',
    '7.0',
  );
  const line = fc.tuple(version, fc.constantFrom('a', 'b', 'c'), version, fc.constantFrom('x', 'y', 'z'));
  const lines = fc.array(line, { minLength: 1, maxLength: 5 });
  const levels = ['6.1', ...Array.from({ length: 60 }, (_, i) => `6.1.${i + 1}`)];
  fc.assert(
    fc.property(lines, (rows) => {
      const texts = rows.map(([since, bug, fixed, fix]) => `${since}:${bug} ${fixed}:${fix}`);
      const said = outcome('6.1.0-40-amd64', ...texts);
      for (const level of levels) {
        const here = outcome(level, ...texts);
        if (said === 'fixed' || said === 'not-introduced')
          assert.ok(here === 'fixed' || here === 'not-introduced', `${level} is ${here}, the name is ${said}`);
        if (said === 'affected') assert.ok(here === 'affected' || here === 'unknown', `${level} is ${here}`);
      }
    }),
    { numRuns: 3_000 },
  );
});

test('property: no name makes the reader throw, and one source has one version', () => {
  fc.assert(fc.property(fc.string(), (text) => void versionSpan(text)));
  assert.equal(versionSpan('rewrote'), undefined);
  assert.equal(versionSpan('6.1.170')?.why, null);
});

test('a release tells an enterprise kernel whose source has a plain version', () => {
  const late = record(['5.15:a 6.6:b']);
  const of = (version: string, release: string | null): string => rangesRung(late, version, release).outcome;
  assert.equal(of('5.14.0', null), 'not-introduced');
  for (const release of ['5.14.0-427.el9.x86_64', '5.14.21-150400.24.100-default', '5.3.18-59.40-default'])
    assert.equal(of('5.14.0', release), 'unknown', release);
  for (const name of ['5.14.0.el9', '6.4.0-20-default', '6.12.0-160000.5-default', '5.10.209-android12-9-g1'])
    assert.equal(outcome(name, '6.13:a 6.14:b'), 'unknown', name);
  assert.equal(of('5.14.0', '5.14.0-web'), 'not-introduced');
});
