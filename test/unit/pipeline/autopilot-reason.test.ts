import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LivepatchError } from '#livepatch';
import { PatchError } from '#patch';
import { lastingReason } from '../../../src/pipeline/autopilot/observe.ts';

test('what speaks against a fix is remembered; what the machine lacks for now, and what is no error of a stage, is thrown', () => {
  const lasting = new PatchError('layout-may-change', 'patch', {
    what: 'struct a grows',
    remedy: 'use shadow variables',
  });
  assert.deepEqual(lastingReason(lasting), {
    code: 'layout-may-change',
    why: 'struct a grows',
    remedy: 'use shadow variables',
  });
  assert.equal(
    lastingReason(new LivepatchError('engine-crashed', 'toolchain', { what: 'it crashed' })).code,
    'engine-crashed',
  );
  for (const code of ['disk-full', 'engine-missing', 'toolchain-mismatch'] as const) {
    const passing = new LivepatchError(code, 'toolchain', { what: 'not now' });
    assert.throws(() => lastingReason(passing), passing);
  }
  assert.throws(() => lastingReason(new TypeError('a defect')), TypeError);
});
