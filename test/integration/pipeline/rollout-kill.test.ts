/** A real controller process, killed at any instant: what hosts read is what was stored, or what was stored before. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseRolloutFile } from '#domain';
import { plainEnvironment, systemClock } from '#host';
import { folderSigner, RolloutController } from '#pipeline';
import { addRollout, askRollout, needRollout, openStore, rolloutFiles } from '#store';
import { databaseUrl } from '../../../testkit/database.ts';
import { SpokenHosts } from '../../../testkit/rollout-hosts.ts';
import { buildIdOf, policyOf, rolloutOf } from '../../../testkit/rollout-script.ts';
import { scratch } from '../../../testkit/scratch.ts';

const LOOP = join(import.meta.dirname, '../../../testkit/rollout-loop.ts');
const KILLS = 5;
const MOST_MS = 60;

test('kill -9 at any instant: the archive never has a word that the store does not know', async (t) => {
  const url = await databaseUrl();
  const folder = await scratch();
  const store = await openStore({ dataDirectory: folder, databaseUrl: url });
  t.after(() => store.close());
  const { release, floors } = rolloutOf();
  const id = await addRollout(store.db, { release, policy: policyOf(), floors, by: 'ann', at: new Date() });
  await new SpokenHosts(store.db).say([{ name: 'h1', buildId: buildIdOf(0) }]);
  await askRollout(store.db, { rollout: id, do: 'start', by: 'ann', reason: 'test' }, new Date());
  const signer = folderSigner(folder);
  await new RolloutController({ store, signer, clock: systemClock }).roundBetween();
  let last = 0;
  let behind = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const child = spawn(process.execPath, [LOOP, url, folder, id], {
      env: plainEnvironment({}),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await sleep(Math.random() * MOST_MS);
    child.kill('SIGKILL');
    await once(child, 'close');
    const [stored] = await rolloutFiles(store.db);
    const [text = ''] = await signer.published();
    const { serial } = parseRolloutFile(text)!;
    assert.ok(serial > last, `${serial} after ${last}`);
    assert.ok(serial < stored!.serial || text === stored!.content, `${serial} of ${stored!.serial}`);
    behind += serial < stored!.serial ? 1 : 0;
    last = serial;
  }
  t.diagnostic(`${behind} of ${KILLS} kills came between store and archive`);
  await new RolloutController({ store, signer, clock: systemClock }).roundBetween();
  const [text] = await signer.published();
  assert.equal(text, (await rolloutFiles(store.db))[0]!.content);
  // Nothing of it looked like a restored backup.
  assert.notEqual((await needRollout(store.db, id)).state.stop?.code, 'restored');
});
