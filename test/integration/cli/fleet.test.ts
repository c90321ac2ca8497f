/** `kernel hosts` on the command line, and what `triage` makes of it. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeModuleFacts, encodeProfile, parseModuleFacts } from '#kernel';
import { addBundledKernel } from '#pipeline';
import { openStore, saveModuleFacts, saveProfile } from '#store';
import { tuxtape } from '../../../testkit/cli.ts';
import { databaseUrl } from '../../../testkit/database.ts';
import { cve, feedOf } from '../../../testkit/feed.ts';
import { compiled, profileOfParts } from '../../../testkit/profile.ts';

const NAME = 'sample-server-6.1';

async function world() {
  const feed = await feedOf([cve(10_001, { files: ['fs/ksmbd.c'] })]);
  const url = await databaseUrl();
  const store = await openStore({ dataDirectory: feed.data, databaseUrl: url });
  const { id } = await addBundledKernel(store);
  await saveProfile(
    store.db,
    id,
    encodeProfile(profileOfParts({ objects: [compiled('fs/ksmbd.o', 'fs/ksmbd.c', 'ksmbd')] })),
  );
  const texts = {
    dep: 'fs/ksmbd.ko:\nnet/sctp.ko:\n',
    alias: 'alias net-pf-16-proto-9 ksmbd\n',
    softdep: '',
    builtin: 'fs/ext4.ko\n',
  };
  await saveModuleFacts(store.db, id, encodeModuleFacts(parseModuleFacts(texts, '6.1.170', 'x')));
  await store.close();
  const env = { TUXTAPE_DATA: feed.data, DATABASE_URL: url };
  const ok = async (...args: string[]): Promise<string> => {
    const result = await tuxtape(args, env);
    assert.equal(result.exitCode, 0, result.stderr);
    return result.stdout;
  };
  await ok('feed', 'sync', '--lore', feed.lore, '--vulns', feed.vulns);
  const lists = join(feed.data, 'lists');
  await mkdir(lists);
  return { env, ok, lists };
}

test('module data of a kernel that was not built here is taken from a folder; a wrong one changes nothing', async () => {
  const { env, ok, lists } = await world();
  const folder = join(lists, 'root/lib/modules/6.1.170');
  await mkdir(folder, { recursive: true });
  const nothing = await tuxtape(['kernel', 'hosts', NAME, '--modules', join(lists, 'root')], env);
  assert.equal(nothing.exitCode, 65);
  assert.match(nothing.stderr, /lib\/modules\/.*\n.*--modules DIR/);
  assert.match(await ok('kernel', 'hosts', NAME), /: 2 modules$/m);
  await writeFile(join(folder, 'modules.dep'), 'fs/ksmbd.ko:\n');
  await writeFile(join(folder, 'modules.alias'), '');
  const url = env.DATABASE_URL;
  const store = await openStore({ dataDirectory: env.TUXTAPE_DATA, databaseUrl: url });
  await store.db.updateTable('kernel').set({ release: '6.1.170' }).execute();
  await store.db.deleteFrom('kernel_modules').execute();
  await store.close();
  assert.match(await ok('kernel', 'hosts', NAME), /no module data.*\n.*--modules DIR/);
  assert.equal(await ok('kernel', 'hosts', NAME, '--modules', join(lists, 'root')), '1 modules, 0 in vmlinux\n');
  assert.match(await ok('kernel', 'hosts', NAME), /: 1 modules$/m);
});

test('lists are added, shown with their age, asked by module, explained and taken back', async () => {
  const { env, ok, lists } = await world();
  assert.match(await ok('kernel', 'hosts', NAME), /2 modules\nNo host has reported/);
  const head = 'Module                  Size  Used by\n';
  await writeFile(join(lists, 'web-1.txt'), `${head}sctp 4096 0\n`);
  await writeFile(join(lists, 'web-2.txt'), `${head}sctp 4096 0\n`);
  assert.match(await ok('kernel', 'hosts', NAME, '--add', lists), /^2 hosts stored$/m);
  assert.match(await ok('kernel', 'hosts', NAME), /web-1 +1 +\d+ seconds? ago\nweb-2 /);
  const explained = await ok('triage', 'explain', 'CVE-2026-10001', NAME);
  assert.match(
    explained,
    /fleet +inconclusive +ksmbd is loaded nowhere among 2 hosts that reported in the last 7 days, but a program can have it loaded: net-pf-16-proto-9\./,
  );
  const replay = /replay: tuxtape (--data \S+ kernel hosts .*--module ksmbd)$/m.exec(explained)?.[1];
  assert.match(
    await ok(...(replay ?? '').split(' ')),
    /a module, loaded on-demand: net-pf-16-proto-9\nloaded on 0 of 2/,
  );
  assert.match(await ok('kernel', 'hosts', NAME, '--module', 'ext4'), /part of vmlinux/);
  assert.match(await ok('kernel', 'hosts', NAME, '--module', 'floppy'), /not built/);
  assert.match(
    await ok('cve', 'show', 'CVE-2026-10001'),
    /loaded on no host that reported, but a program can have it loaded/,
  );
  await writeFile(join(lists, 'web-2.txt'), `${head}ksmbd 4096 0\n`);
  await writeFile(join(lists, 'zz.txt'), '<html>\n');
  const mixed = await tuxtape(['kernel', 'hosts', NAME, '--add', lists], env);
  assert.equal(mixed.exitCode, 65);
  assert.match(mixed.stdout, /2 hosts stored\nREFUSED: .*zz\.txt:1.*host-list-unreadable/);
  assert.match(
    await ok('triage', 'explain', 'CVE-2026-10001', NAME),
    /ksmbd is loaded on 1 of 2 hosts that reported \(web-2\)/,
  );
  await ok('kernel', 'hosts', NAME, '--remove', 'web-2');
  assert.match(await ok('triage', 'explain', 'CVE-2026-10001', NAME), /loaded nowhere among 1 host /);
  assert.equal((await tuxtape(['kernel', 'hosts', NAME, '--remove', 'web-2'], env)).exitCode, 65);
  assert.equal((await tuxtape(['kernel', 'hosts', NAME, '--remove', 'a', '--add', lists], env)).exitCode, 64);
  assert.equal((await tuxtape(['kernel', 'hosts', NAME, '--add', join(lists, 'none')], env)).exitCode, 65);
  const soon = { ...env, TUXTAPE_FLEET_LIST_AGE: '1' };
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  await tuxtape(['triage', '--kernel', NAME], soon);
  assert.match(
    await ok('triage', 'explain', 'CVE-2026-10001', NAME),
    /It is not known whether ksmbd is loaded anywhere: 1 host said nothing/,
  );
});
