import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LivepatchError, readLivepatchModule } from '#livepatch';
import { klpModule, kpatchModule, RELEASE } from '../../../testkit/replacing-module.ts';

const FUNCTIONS = [
  { object: 'vmlinux', name: 'vfs_read' },
  { object: 'ext4', name: 'ext4_find_entry' },
  { object: 'ext4', name: 'ext4_lookup' },
];

for (const [engine, make] of [
  ['kpatch-build', kpatchModule],
  ['klp-build', klpModule],
] as const) {
  test(`a module of ${engine} says its name and what it replaces`, () => {
    assert.deepEqual(readLivepatchModule(make('tuxtape_x', FUNCTIONS), 'x.ko'), {
      moduleName: 'tuxtape_x',
      release: RELEASE,
      replaced: FUNCTIONS,
    });
  });

  test(`a damaged module of ${engine} is refused by code, or read`, () => {
    const whole = make('tuxtape_x', FUNCTIONS);
    const change = fc.record({ at: fc.nat(whole.length - 1), put: fc.uint8Array({ minLength: 1, maxLength: 8 }) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat(whole.length), (changes, length) => {
        const bytes = Buffer.from(whole);
        for (const { at, put } of changes) bytes.set(put.subarray(0, bytes.length - at), at);
        for (const file of [bytes, whole.subarray(0, length)]) {
          try {
            assert.ok(readLivepatchModule(file, 'x.ko').replaced.length > 0);
          } catch (error) {
            if (!(error instanceof LivepatchError)) throw error;
            assert.deepEqual([error.code, error.fault], ['module-unreadable', 'input']);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
}

test('what is no livepatch is refused', () => {
  const refused = { code: 'module-unreadable', fault: 'input' };
  assert.throws(() => readLivepatchModule(Buffer.from('none'), 'x.ko'), refused);
  assert.throws(() => readLivepatchModule(kpatchModule('demo', FUNCTIONS, 'license=GPL'), 'x.ko'), refused);
  assert.throws(() => readLivepatchModule(kpatchModule('demo', []), 'x.ko'), refused);
});
