/** The module data that depmod wrote for a real kernel, where one was built for the long proof. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCode, moduleName, wayIn } from '#domain';
import { exists } from '#host';
import { encodeModuleFacts, readModuleFacts } from '#kernel';
import { scratch } from '../../../testkit/scratch.ts';

const KERNELS = join(homedir(), '.cache/tuxtape/e2e/kernels');

async function built(): Promise<{ root: string; release: string }[]> {
  if (!(await exists(KERNELS))) return [];
  const found: { root: string; release: string }[] = [];
  for (const name of await readdir(KERNELS)) {
    const root = join(KERNELS, name, 'out/modules');
    if (!(await exists(join(root, 'lib/modules')))) continue;
    for (const release of await readdir(join(root, 'lib/modules'))) found.push({ root, release });
  }
  return found;
}

const kernels = await built();

test('every module of a real kernel is there, with the kind of its aliases', {
  skip: kernels.length === 0,
}, async () => {
  for (const { root, release } of kernels) {
    const facts = await readModuleFacts(root, release);
    assert.ok(facts);
    const folder = join(root, 'lib/modules', release);
    const lines = async (name: string): Promise<string[]> =>
      (await readFile(join(folder, name), 'utf8')).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const order = (await lines('modules.order')).map((path) => moduleName(path.replace(/^.*\/|\.k?o$/g, '')));
    assert.deepEqual([...facts.modules.keys()].toSorted(), order.toSorted());
    assert.ok(encodeModuleFacts(facts).length < 200_000);
    // Told another way: an alias KIND:… is of a device, except for names in /dev and types of IP sets; any other is not.
    for (const [, alias = '', module = ''] of (await lines('modules.alias')).map((line) => line.split(' '))) {
      const isDevice = /^(?!devname:|ip_set_)[a-z0-9_*]+(?:-[a-z]+)?:/.test(alias);
      const kinds = facts.modules.get(moduleName(module));
      assert.ok((isDevice ? kinds?.hardware : kinds?.onDemand)?.length, `${alias} of ${module}`);
      if (!isDevice) assert.equal(wayIn(facts, moduleName(module))?.kind, 'on-demand');
    }
  }
});

test('no module data is no answer, and a release never leaves the folder', async () => {
  const root = await scratch();
  assert.equal(await readModuleFacts(root, '6.1.170'), null);
  await mkdir(join(root, 'lib/modules/6.1.170'), { recursive: true });
  await writeFile(join(root, 'lib/modules/6.1.170/modules.dep'), 'kernel/a.ko:\n');
  assert.equal(await readModuleFacts(root, '6.1.170'), null, 'without aliases nothing is known');
  await writeFile(join(root, 'lib/modules/6.1.170/modules.alias'), 'alias fs-a a\n');
  assert.equal((await readModuleFacts(root, '6.1.170'))?.modules.size, 1);
  assert.equal(await readModuleFacts(join(root, 'lib/modules'), '../../lib/modules/6.1.170'), null);
  await writeFile(join(root, 'lib/modules/6.1.170/modules.alias'), 'alias fs-a\n');
  await assert.rejects(readModuleFacts(root, '6.1.170'), (error) => hasCode(error, 'modules-unreadable'));
});
