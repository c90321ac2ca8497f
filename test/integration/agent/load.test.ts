/** What the kernel is given is what was verified: seen by strace, and under attack. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { findProgram, isRoot, run, sha256 } from '#host';
import { loadBytes, unlinked } from '../../../src/agent/kernel/load.ts';
import { makeModule } from '../../../testkit/livepatch-module.ts';
import { scratch } from '../../../testkit/scratch.ts';

const LOAD = join(import.meta.dirname, '../../../src/agent/kernel/load.ts');
const ROUNDS = 60;
const strace = findProgram('strace');

/** A kernel takes it or not; what counts is what it was asked. No machine that runs tests has this module's kernel. */
const program = (module: string, work: string): string => `
  import { readFile } from 'node:fs/promises';
  import { loadBytes } from ${JSON.stringify(LOAD)};
  await loadBytes(await readFile(${JSON.stringify(module)}), ${JSON.stringify(work)}).then(
    () => console.log('loaded'), (error) => console.log(error.code));
`;

test('insmod hands finit_module the descriptor of a file without a name', {
  skip:
    strace === undefined || !isRoot() || findProgram('insmod') === undefined ? 'needs strace, insmod and root' : false,
}, async () => {
  const home = await scratch();
  await writeFile(join(home, 'module.ko'), makeModule());
  await writeFile(join(home, 'program.mts'), program(join(home, 'module.ko'), home));
  const trace = join(home, 'trace');
  const calls = 'trace=finit_module,init_module,openat,execve';
  const args = ['-f', '-y', '-s', '300', '-o', trace, '-e', calls, process.execPath, join(home, 'program.mts')];
  const { stdout } = await run(strace!, args, { timeoutMs: 120_000 });
  assert.equal(stdout.trim(), 'load-failed');
  const lines = (await readFile(trace, 'utf8')).split('\n');
  const asked = lines.filter((line) => /finit_module\(/.test(line));
  assert.ok(asked.length > 0, lines.filter((line) => /insmod/.test(line)).join('\n'));
  // O_TMPFILE gives a file the name `#inode`, deleted: none that anybody could open.
  for (const line of asked)
    assert.match(
      line,
      new RegExp(`finit_module\\(\\d+<${home}/#\\d+>\\(deleted\\)|finit_module\\(\\d+<.*\\(deleted\\)`),
    );
  assert.ok(
    !lines.some((line) => /openat\(.*\.ko", O_RDONLY/.test(line) && /insmod/.test(line)),
    'no name of a module',
  );
  assert.deepEqual(
    (await readdir(home)).filter((name) => name.endsWith('.ko')),
    ['module.ko'],
    'nothing is left behind',
  );
});

/** Replaces and overwrites every module that it sees in a folder, as fast as it can. */
const attacker = (work: string, evil: string): string => `
  const fs = require('node:fs');
  const evil = fs.readFileSync(${JSON.stringify(evil)});
  process.stdout.write('ready');
  for (let i = 0; ; i += 1)
    for (const name of fs.readdirSync(${JSON.stringify(work)})) {
      if (!name.startsWith('load-')) continue;
      const path = ${JSON.stringify(work)} + '/' + name;
      try {
        fs.writeFileSync(path + '.evil', evil);
        fs.renameSync(path + '.evil', path);
        fs.writeFileSync(path, evil);
      } catch {}
    }
`;

test('whoever swaps the file between the check and the load changes nothing', async () => {
  const home = await scratch();
  const work = await scratch();
  const [module, evil] = [makeModule(), Buffer.from('evil'.repeat(1_000))];
  await writeFile(join(home, 'evil'), evil);
  // An insmod that keeps what it was given: the descriptor is what the kernel would read.
  await writeFile(join(home, 'insmod'), `#!/bin/sh\ncat "$1" >${home}/given-$$\nexit 1\n`);
  await chmod(join(home, 'insmod'), 0o755);
  const path = process.env['PATH'];
  process.env['PATH'] = `${home}${delimiter}${path}`;
  const attack = spawn(process.execPath, ['-e', attacker(work, join(home, 'evil'))]);
  let swapped = 0;
  try {
    await once(attack.stdout, 'data');
    for (let i = 0; i < ROUNDS; i += 1) await assert.rejects(loadBytes(module, work), { code: 'load-failed' });
    for (let i = 0; i < ROUNDS; i += 1) {
      await using handle = await unlinked(module, work).catch(() => undefined);
      if (handle === undefined || sha256(await handle.readFile()) !== sha256(module)) swapped += 1;
    }
  } finally {
    attack.kill('SIGKILL');
    process.env['PATH'] = path;
  }
  const given = (await readdir(home)).filter((name) => name.startsWith('given-'));
  assert.equal(given.length, ROUNDS, 'a file without a name cannot even be hindered');
  for (const name of given) assert.equal(sha256(await readFile(join(home, name))), sha256(module));
  assert.ok(swapped > 0, 'the attack is real: by name it would have come through');
});
