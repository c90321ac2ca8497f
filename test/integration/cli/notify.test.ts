/** `tuxtape notify` against a real receiver. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tuxtape } from '../../../testkit/cli.ts';
import { databaseUrl } from '../../../testkit/database.ts';
import { hookReceiver } from '../../../testkit/hook-receiver.ts';
import { scratch } from '../../../testkit/scratch.ts';

test('a channel is added, tried and ruled; what is wrong with one is said and leaves nothing', async () => {
  const [folder, hook, address] = [await scratch(), await hookReceiver(), await databaseUrl()];
  const run = (...args: string[]) =>
    tuxtape(['--json', 'notify', ...args], { DATABASE_URL: address, TUXTAPE_DATA: folder });
  const key = join(folder, 'hook.key');
  await writeFile(key, '0123456789abcdef0123456789abcdef\n');
  const inside = await run('channel', 'add', 'siem', '--webhook', 'http://10.0.0.1/in', '--secret-file', key);
  assert.match(inside.stderr, /"address-refused"/);
  const noKey = await run('channel', 'add', 'siem', '--webhook', hook.url, '--secret-file', join(folder, 'none'));
  assert.match(noKey.stderr, /"secret-unreadable"/);
  const twoMails = await run('channel', 'add', 'team', '--mail', 'a@example.org, b@example.org');
  assert.match(twoMails.stderr, /"channel-invalid"/);
  assert.deepEqual(JSON.parse((await run('status')).stdout), []);
  assert.equal((await run('channel', 'add', 'siem', '--webhook', hook.url, '--secret-file', key)).exitCode, 0);
  assert.equal((await run('test', 'siem')).exitCode, 0);
  assert.equal((JSON.parse(hook.posts[0]!.body) as { rule: string }).rule, 'test');
  const added = await run('rule', 'add', 'siem', '--kind', 'host', '--least', 'high', '--digest', '5');
  const rule = JSON.parse(added.stdout) as { id: string; least: string };
  assert.equal(rule.least, 'high');
  assert.match((await run('rule', 'add', 'siem', '--kind', 'hosts')).stderr, /is wanted/);
  assert.deepEqual(JSON.parse((await run('rule', 'remove', rule.id)).stdout), []);
  hook.answer = { status: 500 };
  assert.match((await run('test', 'siem')).stderr, /"webhook-failed"/);
});
