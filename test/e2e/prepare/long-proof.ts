/** What the tests of the long proof share: the given fixes, and a data folder of their own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheRoot } from './cache.ts';
import { type Cli, cliIn } from './cli.ts';
import { sharedFixes } from './shared.ts';

export const fixes = sharedFixes();

/** Why a test of the given fixes does not run now; false: it does. */
export const skip =
  process.env['E2E_FULL'] === undefined
    ? 'only in the long proof'
    : fixes === undefined && '../shared is not there: no fixes';

export interface OwnData extends AsyncDisposable {
  readonly data: string;
  readonly tuxtape: Cli;
}

/** The CLI in a new data folder, with kernel trees in the cache. */
export async function ownData(): Promise<OwnData> {
  const data = await mkdtemp(join(tmpdir(), 'tuxtape-e2e-'));
  const tuxtape = cliIn(data, join(cacheRoot(), 'kernels'));
  return { data, tuxtape, [Symbol.asyncDispose]: () => rm(data, { recursive: true, force: true }) };
}
