/** The lint on real fixes, where they are at hand. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseDiff } from '#patch';
import { shared } from '../../../testkit/shared.ts';

const folder = shared === undefined ? '' : join(shared, 'fixes/6.1.170');
const skip = existsSync(folder) ? false : '../shared is not there';

test('every real fix is read, and names files of a kernel tree', { skip }, async () => {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.patch'));
  assert.ok(names.length > 100);
  for (const name of names) {
    const files = parseDiff(await readFile(join(folder, name), 'utf8'), name);
    assert.ok(files.length > 0 && files.every(({ path }) => /^[a-zA-Z]/.test(path)), name);
  }
});
