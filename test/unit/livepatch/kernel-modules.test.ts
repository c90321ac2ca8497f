import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LivepatchError, underOtherName } from '#livepatch';
import { readModule } from '../../../src/livepatch/module-file.ts';
import { loadOrder, parseModulesDep, spareModule } from '../../../src/livepatch/vm/kernel-modules.ts';
import { MODULE_NAME, makeModule } from '../../../testkit/livepatch-module.ts';

const modules = parseModulesDep(
  'kernel/net/top-most.ko: kernel/net/middle.ko kernel/lib/base.ko\nkernel/net/middle.ko: kernel/lib/base.ko\nkernel/lib/base.ko:\nkernel/net/dummy.ko:\n../../evil.ko:\nkernel/$(x).ko:\n',
);

test('what a module needs is loaded before it, and names are those of the kernel', () => {
  assert.deepEqual(loadOrder(modules, ['top_most', 'middle']), [
    'kernel/lib/base.ko',
    'kernel/net/middle.ko',
    'kernel/net/top-most.ko',
  ]);
  assert.throws(
    () => loadOrder(modules, ['none']),
    (error: unknown) => error instanceof LivepatchError && error.code === 'vm-boot-failed',
  );
});

test('files outside of the tree and names that a shell would read are passed over', () => {
  assert.deepEqual([...modules.keys()], ['top_most', 'middle', 'base', 'dummy']);
});

test('the spare module is nobody’s target', () => {
  assert.equal(spareModule(modules, ['top_most'])?.file, 'kernel/net/dummy.ko');
  assert.equal(spareModule(modules, ['dummy']), undefined);
});

test('the same code under another name differs in its name alone', () => {
  const module = makeModule();
  const { module: other, moduleName } = underOtherName(module, MODULE_NAME);
  assert.notEqual(moduleName, MODULE_NAME);
  assert.equal(other.length, module.length);
  assert.equal(other.toString('latin1').replaceAll(moduleName, MODULE_NAME), module.toString('latin1'));
  assert.ok(!other.includes(MODULE_NAME));
  assert.equal(readModule(other, moduleName).symbols.length, 5);
  assert.throws(
    () => underOtherName(module, 'another_name'),
    (error: unknown) => error instanceof LivepatchError && error.code === 'module-unreadable',
  );
});
