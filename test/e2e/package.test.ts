/** The Debian package on a machine that has nothing else: it installs, runs as its own user, and goes again. */
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { exists, isRoot, run } from '#host';
import { packageServer } from '../../tools/server-package.ts';
import { cacheRoot, once } from './prepare/cache.ts';

const DEPENDS = 'adduser,bubblewrap,git,patch,xz-utils,libstdc++6';
const LONGEST_MS = 900_000;
let machine: string | undefined;

after(async () => {
  if (machine !== undefined) await rm(machine, { recursive: true, force: true });
});

test('the package of the server installs, shows what matters as its own user, and is removed', async (t) => {
  if (!isRoot()) return t.skip('a chroot needs root');
  const bare = await once(join(cacheRoot(), 'machines/bookworm'), async (target) => {
    await isolated('debootstrap', '--variant=minbase', `--include=${DEPENDS}`, 'bookworm', target);
  });
  const file = packageServer();
  machine = await mkdtemp(join(tmpdir(), 'tuxtape-machine-'));
  await run('cp', ['-a', '--reflink=auto', `${bare}/.`, machine], { timeoutMs: LONGEST_MS });
  await copyFile(file, join(machine, 'tmp/tuxtape.deb'));
  await within('dpkg', '-i', '/tmp/tuxtape.deb');
  assert.match(await within('tuxtape', '--version'), /^0\.1\.0/);
  const asItself = ['setpriv', '--reuid=tuxtape', '--regid=tuxtape', '--init-groups', '--inh-caps=-all'];
  const up = await within(
    ...asItself,
    'tuxtape',
    '--config-file',
    '/etc/tuxtape/tuxtape.toml',
    'up',
    '--once',
    '--offline',
  );
  assert.match(up, /sample/i);
  assert.match(up, /CVE-\d{4}-\d+/);
  await within('dpkg', '-r', 'tuxtape');
  assert.equal(await exists(join(machine, 'usr/lib/tuxtape')), false, 'nothing of the program is left');
  assert.ok((await readdir(join(machine, 'var/lib/tuxtape'))).length > 0, 'the data is');
  assert.equal(await exists(join(machine, 'etc/tuxtape/tuxtape.toml')), true, 'and the settings, until it is purged');
});

/** In mount and process namespaces of its own: what it mounts or starts goes with it. */
async function isolated(...command: string[]): Promise<string> {
  const words = ['--mount', '--pid', '--fork', '--kill-child', ...command];
  return (await run('unshare', words, { timeoutMs: LONGEST_MS, keepTail: true })).stdout;
}

async function within(...command: string[]): Promise<string> {
  const script = 'mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev" && exec chroot "$0" "$@"';
  return isolated('sh', '-c', script, machine!, ...command);
}
