/** The bundle itself on this very machine, whose kernel an archive serves without a release: nothing is ever loaded. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { type ArchivePlace, subscribeKernel } from '#archive';
import { buildIdOfNotes } from '#domain';
import { findProgram, isRoot, run, self } from '#host';
import type { AgentStatus } from '../../../src/agent/report/status.ts';
import { newArchive } from '../../../testkit/archive.ts';
import { scratch } from '../../../testkit/scratch.ts';
import { serveFolder } from '../../../testkit/static-server.ts';
import { agentBundle, bundleAgent } from '../../../tools/agent-bundle.ts';

const buildId = buildIdOfNotes(await readFile('/sys/kernel/notes').catch(() => Buffer.alloc(0)));
const skip = isRoot() && buildId !== undefined ? false : 'needs root and a kernel with a build-id';

before(async () => {
  if (skip === false) await bundleAgent();
});

interface Answer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

class Host {
  readonly home: string;
  readonly place: ArchivePlace;

  constructor(home: string, place: ArchivePlace) {
    this.home = home;
    this.place = place;
  }

  /** `before`: a program that starts the agent in its own way. */
  async agent(words: readonly string[], before: readonly string[] = []): Promise<Answer> {
    const { home } = this;
    const folders = ['--config', join(home, 'etc'), '--state', join(home, 'state'), '--run', join(home, 'run')];
    const [program, ...args] = [...before, process.execPath, agentBundle, ...words, ...folders];
    const okCodes = Array.from({ length: 256 }, (_, code) => code);
    return run(program!, args, { timeoutMs: 120_000, okCodes });
  }

  async status(): Promise<AgentStatus> {
    return JSON.parse(await readFile(join(this.home, 'run/status.json'), 'utf8')) as AgentStatus;
  }
}

async function hostAt(url: string | null): Promise<Host> {
  const home = await scratch();
  const host = new Host(home, await newArchive(home));
  if (url !== null) {
    await mkdir(join(home, 'etc'));
    await cp(join(host.place.directory, 'root.json'), join(home, 'etc/root.json'));
    const settings = { archive: url, graceSeconds: 0, textfile: join(home, 'prom') };
    await writeFile(join(home, 'etc/agent.json'), JSON.stringify(settings));
  }
  return host;
}

test('set-up, runs and reports, from the empty first release on', { skip }, async () => {
  const host = await hostAt(null);
  await subscribeKernel(host.place, buildId!, 'this one');
  await using server = await serveFolder(host.place.directory);
  assert.equal((await host.agent(['run'])).exitCode, 80, 'not set up');
  assert.equal((await host.agent(['status'])).exitCode, 73, 'unknown is not "well"');
  const root = ['--root', join(host.place.directory, 'root.json')];
  const wrong = await host.agent(['setup', '--archive', 'http://127.0.0.1:1', ...root]);
  assert.equal(wrong.exitCode, 10);
  assert.ok(!existsSync(join(host.home, 'etc')), 'an address that does not fit changes nothing');
  assert.equal((await host.agent(['setup', '--archive', server.url, ...root, '--soak', 'soon'])).exitCode, 80);
  const given = ['--grace', '0', '--ring', 'canary', '--textfile', join(host.home, 'prom')];
  assert.equal((await host.agent(['setup', '--archive', server.url, ...root, ...given])).exitCode, 0);
  const done = await host.agent(['run', '--json']);
  assert.equal(done.exitCode, 0, done.stdout);
  const status = await host.status();
  assert.deepEqual(JSON.parse(done.stdout), status);
  assert.deepEqual([status.state, status.standing, status.ring, status.error], ['idle', 'current', 'canary', null]);
  assert.equal(status.kernel.buildId, buildId);
  for (const word of ['status', 'cves', 'effective', 'check'])
    assert.equal((await host.agent([word])).exitCode, 0, word);
  assert.match((await host.agent(['cves'])).stdout, /^# no livepatch is on$/m);
  const metrics = await readFile(join(host.home, 'prom/tuxtape_agent.prom'), 'utf8');
  assert.match(metrics, /^tuxtape_agent_standing\{standing="current"\} 1$/m);
  assert.ok(!existsSync(join(host.home, 'run/openvex.json')), 'nothing is closed, nothing is said');
  for (const words of [['nonsense'], [], ['run', 'more'], ['accept', 'x'], ['run', '--nonsense']])
    assert.equal((await host.agent(words)).exitCode, 64, words.join(' '));
});

test('an archive that is away is said so, with since when; and so is a kernel that it does not serve', {
  skip,
}, async () => {
  const host = await hostAt('http://127.0.0.1:1');
  assert.equal((await host.agent(['run'])).exitCode, 10);
  const { archive, standing } = await host.status();
  assert.equal(standing, 'unknown');
  assert.ok(archive.unreachableSince !== null && archive.lastContact === null);
  await host.agent(['run']);
  assert.equal((await host.status()).archive.unreachableSince, archive.unreachableSince);
  const status = await host.agent(['status']);
  assert.match(status.stdout, /not reached or not believed since/);
  assert.equal(status.exitCode, 10, 'a scanner that asks is told');
  assert.match((await host.agent(['cves'])).stdout, /unknown: what it lacks cannot be said/);
  await using server = await serveFolder(host.place.directory);
  assert.equal((await host.agent(['run', '--archive', server.url])).exitCode, 20);
});

test('two at once: one works, the other ends; a lock of the dead is taken over', { skip }, async () => {
  const host = await hostAt('http://127.0.0.1:1');
  await mkdir(join(host.home, 'run'));
  const lock = join(host.home, 'run/lock');
  const { pid, started } = self();
  await writeFile(lock, `${pid} ${started}\n`);
  assert.equal((await host.agent(['run'])).exitCode, 75);
  await writeFile(lock, `${pid} another-boot/1\n`);
  assert.equal((await host.agent(['run'])).exitCode, 10);
  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  await writeFile(lock, `${child.pid} ${started}\n`);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal((await host.agent(['run'])).exitCode, 10);
});

test('a full disk and one that cannot be written are said, change nothing, and need no repair', {
  skip: skip || (findProgram('unshare') === undefined ? 'needs unshare' : false),
}, async () => {
  const host = await hostAt('http://127.0.0.1:1');
  await mkdir(join(host.home, 'state'));
  const inMount = (options: string, fill: string): string[] => [
    'unshare',
    '--mount',
    'sh',
    '-c',
    `mount -t tmpfs -o ${options} none ${host.home}/state && ${fill} && exec "$@"`,
    'sh',
  ];
  const full = await host.agent(
    ['run'],
    inMount('size=64k', `dd if=/dev/zero of=${host.home}/state/fill bs=1k 2>/dev/null; true`),
  );
  assert.equal(full.exitCode, 72, full.stdout + full.stderr);
  assert.equal((await host.status()).error?.code, 'disk-full');
  const readOnly = await host.agent(['run'], inMount('ro', 'true'));
  assert.notEqual(readOnly.exitCode, 0);
  assert.equal((await host.agent(['run'])).exitCode, 10, 'with space again it is as if nothing had been');
});

test('a clock at 1970 or ten years ahead loads nothing and spoils nothing', {
  skip: skip || (findProgram('faketime') === undefined ? 'needs faketime' : false),
}, async () => {
  const host = await hostAt(null);
  await subscribeKernel(host.place, buildId!, 'this one');
  await using server = await serveFolder(host.place.directory);
  const root = ['--root', join(host.place.directory, 'root.json')];
  await host.agent(['setup', '--archive', server.url, ...root, '--grace', '0']);
  assert.equal(
    (await host.agent(['run'], ['faketime', '1970-01-02 00:00:00'])).exitCode,
    0,
    'the signed time is the floor',
  );
  assert.equal((await host.agent(['run'], ['faketime', '+10 years'])).exitCode, 11);
  assert.equal((await host.status()).standing, 'unknown');
  assert.equal((await host.agent(['run'])).exitCode, 0);
});

test('in a container the agent refuses, and says why', {
  skip: skip || (findProgram('unshare') === undefined ? 'needs unshare' : false),
}, async () => {
  const host = await hostAt('http://127.0.0.1:1');
  const { stdout } = await host.agent(['doctor'], ['unshare', '--pid', '--fork', '--mount-proc']);
  assert.match(stdout, /ill +in-container: .*pid/);
  const bare = await host.agent(['doctor'], ['setpriv', '--bounding-set', '-sys_module', '--inh-caps', '-sys_module']);
  assert.match(bare.stdout, /ill +no-capability/);
});

test('an orderly end of a boot is written down under its own number', { skip }, async () => {
  const host = await hostAt('http://127.0.0.1:1');
  assert.equal((await host.agent(['shutdown'])).exitCode, 0);
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  assert.equal(await readFile(join(host.home, 'state/clean-boot'), 'utf8'), boot);
});
