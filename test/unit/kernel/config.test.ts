import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configChanges, parseKernelConfig } from '#kernel';

test('a configuration is read by symbol; unset symbols are absent', () => {
  const config = parseKernelConfig('# Linux/x86 6.1\nCONFIG_SMP=y\n# CONFIG_KVM is not set\nCONFIG_HZ=250\n', 'x');
  assert.deepEqual(
    [...config],
    [
      ['SMP', 'y'],
      ['HZ', '250'],
    ],
  );
});

test('text that is no configuration is refused with its line', () => {
  assert.throws(() => parseKernelConfig('CONFIG_SMP=y\n<html>\n', 'web.config'), {
    code: 'config-unreadable',
    where: 'web.config:2',
  });
  assert.throws(() => parseKernelConfig('# nothing\n', 'web.config'), { code: 'config-unreadable' });
});

test('what describes the compiler is told apart from what somebody chose', () => {
  const before = parseKernelConfig('CONFIG_GCC_VERSION=120200\nCONFIG_KVM=y\n', 'a');
  const after = parseKernelConfig('CONFIG_GCC_VERSION=140200\nCONFIG_SMP=y\n', 'b');
  const { choices, toolchain } = configChanges(before, after);
  assert.deepEqual(toolchain, [{ symbol: 'GCC_VERSION', before: '120200', after: '140200' }]);
  assert.deepEqual(choices, [
    { symbol: 'KVM', before: 'y', after: null },
    { symbol: 'SMP', before: null, after: 'y' },
  ]);
});
