/** The server tells people by itself, and what came up while it was dead is told by the next one. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { plainEnvironment } from '#host';
import { addNotice, openStore, type Store } from '#store';
import { databaseUrl } from '../../../testkit/database.ts';
import { notifyPlace } from '../../../testkit/notify.ts';
import { scratch } from '../../../testkit/scratch.ts';

const SERVER = join(import.meta.dirname, '../../../src/server/main.ts');
const WAIT_MS = 60_000;

async function startServer(address: string): Promise<ChildProcess> {
  const home = await scratch();
  const off = ['NVD_URL', 'KEV_URL', 'VULNRICHMENT_URL', 'EPSS_URL', 'EXPLOITS_DIRECTORY'];
  const env = plainEnvironment({
    ...Object.fromEntries(off.map((name) => [`TUXTAPE_SIGNALS_${name}`, 'none'])),
    ...{ DATABASE_URL: address, TUXTAPE_DATA: home, TUXTAPE_SERVER_PORT: '0', TUXTAPE_KERNEL_BUILDS: '0' },
    ...{ TUXTAPE_FEED_LORE: join(home, 'none'), TUXTAPE_FEED_VULNS: join(home, 'none'), TUXTAPE_NOTIFY_INTERVAL: '1' },
  });
  const child = spawn(process.execPath, [SERVER], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  after(() => void child.kill('SIGKILL'));
  for await (const line of createInterface(child.stdout)) if (line.includes('"listening"')) return child;
  throw new TypeError('the server ended before it listened');
}

async function halted(store: Store, subject: string): Promise<void> {
  const what = {
    kind: 'rollout',
    state: 'halted',
    kernelId: null,
    cve: null,
    subject,
    detail: { why: 'an oops' },
  } as const;
  await addNotice(store.db, { ...what, at: new Date() });
}

test('nothing is lost over the death of a server, and nothing told twice', { timeout: 240_000 }, async () => {
  const address = await databaseUrl();
  const store = await openStore({ dataDirectory: tmpdir(), databaseUrl: address });
  const place = await notifyPlace(store);
  await place.rule('siem', { kinds: ['rollout'], least: 'critical' });
  const told = (): string[] =>
    place.hook.posts.flatMap(({ body }) =>
      (JSON.parse(body) as { notices: { subject: string }[] }).notices.map(({ subject }) => subject),
    );
  const until = async (count: number): Promise<void> => {
    for (const end = Date.now() + WAIT_MS; told().length < count && Date.now() < end; )
      await new Promise((resolve) => setTimeout(resolve, 100));
  };
  const first = await startServer(address);
  await halted(store, 'one');
  await until(1);
  assert.deepEqual(told(), ['one']);
  const died = once(first, 'exit');
  first.kill('SIGKILL');
  await died;
  await halted(store, 'two');
  const second = await startServer(address);
  await until(2);
  await halted(store, 'three');
  await until(3);
  assert.deepEqual(told(), ['one', 'two', 'three']);
  const ended = once(second, 'exit');
  second.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
  await store.close();
});
