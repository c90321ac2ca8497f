import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { databaseUrl } from '../../../testkit/database.ts';
import { scratch } from '../../../testkit/scratch.ts';
import { typesOf } from '../../../tools/schema-types.ts';

test('the generated types are those of the migrations', async () => {
  const kept = await readFile(join(import.meta.dirname, '../../../src/store/schema.ts'), 'utf8');
  assert.equal(await typesOf(await databaseUrl(), await scratch()), kept, 'run "node tools/schema-types.ts"');
});
