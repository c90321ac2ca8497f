/** A debug package on the command line. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { link } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { plainEnvironment } from '#host';
import { tuxtape } from '../../../testkit/cli.ts';
import { databaseUrl } from '../../../testkit/database.ts';
import { tinyPackage } from '../../../testkit/debug-package.ts';
import { scratch } from '../../../testkit/scratch.ts';

const TUXTAPE = join(import.meta.dirname, '../../../bin/tuxtape');
/** As many as a distribution has: reading them takes seconds. */
const MODULES = 4_000;

test('Ctrl-C while a debug package is read ends it within seconds, and leaves nothing', async () => {
  const env = { TUXTAPE_DATA: await scratch(), DATABASE_URL: await databaseUrl() };
  const { directory, module } = await tinyPackage(await scratch());
  for (let i = 0; i < MODULES; i += 1) await link(module, join(dirname(module), `tiny-nic${i}.ko`));
  const child = spawn(TUXTAPE, ['kernel', 'import', 'tiny', '--debug', directory], {
    env: plainEnvironment(env),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  while (!said.includes('vmlinux') && child.exitCode === null) await Promise.race([once(child.stderr, 'data'), ended]);
  const asked = performance.now();
  child.kill('SIGINT');
  assert.deepEqual(await ended, [130, null], said);
  assert.ok(performance.now() - asked < 10_000);
  assert.match(said, /: stopped; nothing of it was kept/);
  assert.equal((await tuxtape(['kernel', 'show', 'tiny'], env)).exitCode, 65);
});
