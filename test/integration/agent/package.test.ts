/** The Debian package: what is in it, installed and removed by dpkg in a folder of its own, and its units by systemd. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { findProgram, isRoot, run } from '#host';
import { scratch } from '../../../testkit/scratch.ts';
import { bundleAgent, MAX_BUNDLE_BYTES } from '../../../tools/agent-bundle.ts';
import { agentFiles, packageAgent } from '../../../tools/agent-package.ts';
import { rpmOfAgent } from '../../../tools/agent-rpm.ts';

const UNITS = join(import.meta.dirname, '../../../tools/agent-package');

let deb: string;
before(async () => {
  deb = await packageAgent();
});

test('the bundle is small and holds code of ours alone', async () => {
  assert.ok((await bundleAgent()) < MAX_BUNDLE_BYTES);
});

test('the same sources make the same package', async () => {
  const once = await readFile(deb);
  assert.deepEqual(await readFile(await packageAgent()), once);
});

test('dpkg installs it, and removes every trace; what is configured stays until it is purged', {
  skip: isRoot() && findProgram('dpkg') !== undefined ? false : 'needs root and dpkg',
}, async () => {
  const root = await scratch();
  await mkdir(join(root, 'var/lib/dpkg/info'), { recursive: true });
  await mkdir(join(root, 'var/lib/dpkg/updates'), { recursive: true });
  await writeFile(join(root, 'var/lib/dpkg/status'), '');
  const dpkg = (...words: string[]): ReturnType<typeof run> =>
    run('dpkg', [`--root=${root}`, '--force-script-chrootless', '--force-depends', ...words], { timeoutMs: 120_000 });
  const { stdout } = await dpkg('-i', deb);
  assert.match(stdout, /tuxtape-agent setup --archive URL/);
  assert.equal((await stat(join(root, 'usr/sbin/tuxtape-agent'))).mode & 0o777, 0o755);
  const kept = ['etc/tuxtape', 'var/lib/tuxtape-agent'];
  for (const folder of [...kept, 'run/tuxtape']) {
    await mkdir(join(root, folder), { recursive: true });
    await writeFile(join(root, folder, 'agent.json'), '{}');
  }
  await dpkg('-i', deb);
  assert.ok(existsSync(join(root, 'run/tuxtape/agent.json')), 'an upgrade touches no state');
  await dpkg('-r', 'tuxtape-agent');
  assert.ok(!existsSync(join(root, 'usr/lib/tuxtape/tuxtape-agent.cjs')) && !existsSync(join(root, 'run/tuxtape')));
  for (const folder of kept) assert.ok(existsSync(join(root, folder)), folder);
  await dpkg('-P', 'tuxtape-agent');
  for (const folder of kept) assert.ok(!existsSync(join(root, folder)), folder);
});

test('rpm has the same files, and its scripts touch no livepatch', {
  skip: findProgram('rpmbuild') === undefined ? 'needs rpmbuild' : false,
}, async () => {
  const file = await rpmOfAgent();
  const { stdout } = await run('rpm', ['-qlp', file]);
  assert.deepEqual(
    stdout.trim().split('\n').sort(),
    agentFiles('usr/lib')
      .map(({ to }) => `/${to}`)
      .sort(),
  );
  const scripts = await run('rpm', ['-qp', '--scripts', '--requires', file]);
  assert.match(scripts.stdout, /tuxtape-runtime >= 24/);
  assert.doesNotMatch(scripts.stdout, /livepatch|revert|rmmod/);
});

test('systemd reads the units, and finds them well locked up', {
  skip: findProgram('systemd-analyze') === undefined ? 'needs systemd-analyze' : false,
}, async () => {
  const root = await scratch();
  for (const path of ['usr/sbin/tuxtape-agent', 'bin/true', 'bin/sh']) {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), '#!/bin/sh\n', { mode: 0o755 });
  }
  const names = ['tuxtape-agent.service', 'tuxtape-agent.timer', 'tuxtape-agent-boot.service'];
  await mkdir(join(root, 'etc/systemd/system'), { recursive: true });
  for (const name of names)
    await writeFile(join(root, 'etc/systemd/system', name), await readFile(join(UNITS, name), 'utf8'));
  const { stderr } = await run('systemd-analyze', [`--root=${root}`, '--man=no', 'verify', ...names], {
    okCodes: [0, 1],
  });
  const ours = stderr.split('\n').filter((line) => /tuxtape/.test(line) && !/Failed to load|not found/i.test(line));
  assert.deepEqual(ours, []);
  const { stdout } = await run(
    'systemd-analyze',
    ['security', '--offline=yes', `--root=${root}`, 'tuxtape-agent.service'],
    {
      okCodes: [0, 1],
    },
  );
  const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
  assert.ok(exposure < 4, `exposure ${exposure}: it is root that loads modules, and little else\n${stdout}`);
});
