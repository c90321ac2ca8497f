/** A controller that pauses and resumes a rollout without end, for a test to kill: `node rollout-loop.ts URL FOLDER ID`. */
import { systemClock } from '#host';
import { folderSigner, RolloutController } from '#pipeline';
import { askRollout, openStore } from '#store';

const [url = '', folder = '', rollout = ''] = process.argv.slice(2);
const store = await openStore({ dataDirectory: folder, databaseUrl: url });
const controller = new RolloutController({ store, signer: folderSigner(folder), clock: systemClock });
for (;;) {
  const base = { rollout, by: 'ann', reason: 'loop' };
  await askRollout(store.db, { ...base, do: 'pause' }, new Date());
  await controller.roundBetween();
  await askRollout(store.db, { ...base, do: 'resume', failures: 0, inconclusive: false }, new Date());
  await controller.roundBetween();
  process.stdout.write('.');
}
