import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCode, rolloutPhases, stopCodes } from '#domain';
import { belowFloors, readPolicy } from '#rollout';

const GOOD = `
version = 1
watchSeconds = 900
deadManSeconds = 900
silentSeconds = 900
patienceSeconds = 21600
startWithinSeconds = 300

[[rings]]
name = "canary"
control = 10
steps = [{ percent = 50, soakSeconds = 3600 }, { percent = 100, soakSeconds = 7200 }]

[thresholds]
success = 98
errorHosts = 3
errorPercent = 1
sample = 10
worsePercent = 2

[[caps]]
label = "quorum"
hosts = 1

[[windows]]
days = ["mon", "tue"]
from = "22:00"
until = "04:00"
zone = "Europe/Berlin"
`;

test('a policy is read with what was left out at its safe value', () => {
  const policy = readPolicy(GOOD, 'policy.toml');
  assert.equal(policy.onHalt, 'finish');
  assert.equal(policy.mostInFlight, null);
  assert.deepEqual(policy.caps, [{ label: 'quorum', hosts: 1 }]);
});

test('what is wrong is refused by name, and nothing unknown is passed over', () => {
  const bad: [string, string][] = [
    ['errorHosts = 3', 'errorHosts = 0'],
    ['errorHosts = 3', 'errorHosts = 3\nretries = 2'],
    ['percent = 100', 'percent = 99'],
    ['percent = 50', 'percent = 100'],
    ['percent = 50', 'percent = 0'],
    ['zone = "Europe/Berlin"', 'zone = "Berlin"'],
    ['hosts = 1', 'hosts = 1\npercent = 5'],
    ['hosts = 1', ''],
    ['name = "canary"', 'name = "Canary 1"'],
    ['control = 10', 'control = 60'],
    ['version = 1', 'version = 2'],
    ['version = 1', 'version = '],
    ['deadManSeconds = 900', ''],
    ['success = 98', 'success = 20'],
  ];
  for (const [from, to] of bad) {
    assert.ok(GOOD.includes(from));
    assert.throws(
      () => readPolicy(GOOD.replace(from, to), 'policy.toml'),
      (error) => hasCode(error, 'policy-invalid'),
      to,
    );
  }
  assert.throws(
    () => readPolicy('#'.repeat(70_000), 'policy.toml'),
    (error) => hasCode(error, 'policy-invalid'),
  );
});

test('where a policy is quicker than the floors is said', () => {
  const said = belowFloors(readPolicy(GOOD, 'x'), { leastSoakSeconds: 5000, largestShare: 2000 });
  assert.equal(said.length, 3);
  assert.match(said[0]!, /canary, 50 %: soak 3600 s/);
  assert.deepEqual(belowFloors(readPolicy(GOOD, 'x'), { leastSoakSeconds: 0, largestShare: 10_000 }), []);
});

test('the reference is true: its policy is one, and it has a row for each state and each stop', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/reference/rollout.md'), 'utf8');
  const [, example = ''] = /```toml\n([\s\S]*?)```/.exec(text) ?? [];
  assert.deepEqual(readPolicy(example, 'the reference').caps.length, 2);
  for (const word of [...rolloutPhases, ...stopCodes]) assert.match(text, new RegExp(`^\\| \`${word}\` `, 'm'), word);
});
