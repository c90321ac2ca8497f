import assert from 'node:assert/strict';
import { accessSync, constants } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readKmsg } from '../../../src/agent/kernel/kmsg.ts';
import { scratch } from '../../../testkit/scratch.ts';

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

test('the log of this very kernel is read to its end, a record at a time', {
  skip: isReadable('/dev/kmsg') ? false : '/dev/kmsg cannot be read here',
}, async () => {
  const records: string[] = [];
  await readKmsg('/dev/kmsg', (record) => records.push(Buffer.from(record).toString()));
  assert.ok(records.length > 0);
  for (const record of records) assert.match(record, /^\d+,\d+,\d+,[-c+][^\n]*;[^\n]*\n(?: [^\n]*\n)*$/);
});

test('a log that is not there or not readable is said so', async () => {
  const home = await scratch();
  await assert.rejects(
    readKmsg(join(home, 'none'), () => {}),
    { code: 'kernel-log-unreadable' },
  );
  await assert.rejects(
    readKmsg(home, () => {}),
    { code: 'kernel-log-unreadable', message: /EISDIR/ },
  );
  await writeFile(join(home, 'empty'), '');
  await readKmsg(join(home, 'empty'), () => assert.fail());
});
