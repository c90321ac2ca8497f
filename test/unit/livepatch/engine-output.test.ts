import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedFunctions, diagnose, engineFor, moduleNameOf } from '#livepatch';
import { corpus } from '../../../testkit/corpus.ts';

for (const { name, input, expected } of corpus('engine-output')) {
  test(`engine output ${name}`, () => {
    const error = diagnose(input.toString('utf8'), '/log', null);
    assert.equal(error.code, expected['code']);
    assert.ok(error.remedy !== undefined && error.where === '/log', 'says where and what to do');
  });
}

test('the engine follows the version of the kernel', () => {
  assert.equal(engineFor('6.1.170').name, 'kpatch');
  assert.equal(engineFor('7.2.13').name, 'klp');
  assert.throws(() => engineFor('4.19.1'), { code: 'engine-unsupported' });
  assert.throws(() => engineFor('nonsense'), { code: 'engine-unsupported' });
});

test('the name of a module fits the kernel and differs with patch and kernel', () => {
  const [one, other] = ['c915b3da96198004e546bdae77fc20a81b2bc005', 'd915b3da96198004e546bdae77fc20a81b2bc005'];
  const name = moduleNameOf(one, ['CVE-2026-53352'], 'patch');
  assert.match(name, /^tuxtape_c915b3da_2026_53352_[0-9a-f]{8}$/);
  assert.equal(moduleNameOf(one, ['CVE-2026-53352'], 'patch'), name);
  assert.notEqual(moduleNameOf(one, ['CVE-2026-53352'], 'other'), name);
  assert.notEqual(moduleNameOf(other, ['CVE-2026-53352'], 'patch'), name);
  assert.ok(moduleNameOf(one, ['CVE-2026-1234567890123456789'], 'patch').length <= 55);
});

test('what kpatch-build says it changed is read per object', () => {
  const text =
    'Building patched source\nExtracting new and modified ELF sections\nsignal.o: changed function: zap_other_threads\nsock.o: new function: helper\nsock.o: changed function: sock_x\n';
  assert.deepEqual(changedFunctions(text), [
    { object: 'signal.o', name: 'zap_other_threads' },
    { object: 'sock.o', name: 'sock_x' },
  ]);
});
