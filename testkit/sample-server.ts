import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { CveRecord } from '#domain';
import { createLogger, systemClock } from '#host';
import { addBundledKernel, syncBundled, triageKernel } from '#pipeline';
import { type Store, upsertCves } from '#store';
import { createApp } from '../src/server/app.ts';
import { testStore } from './database.ts';
import { scratch } from './scratch.ts';

/** A record of ours that tries to be more than text. */
export const HOSTILE: CveRecord = {
  id: 'CVE-2026-66666',
  state: 'published',
  source: 'record',
  title: '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>',
  description: '',
  files: ['net/core/dev.c'],
  ranges: [],
  cvssVector: null,
  references: [],
  rationale: null,
  vulnerableCommits: [],
};

/** The server on the sample feed and the sample kernel, as `tuxtape up --offline` serves it. */
export async function sampleServer(): Promise<{ app: FastifyInstance; store: Store; kernel: string }> {
  const store = await testStore();
  await syncBundled({ store, dataDirectory: await scratch(), clock: systemClock });
  await upsertCves(store.db, [{ record: HOSTILE, score: null, oid: 'hostile' }]);
  const kernel = await addBundledKernel(store);
  await triageKernel({ store, kernel, clock: systemClock });
  const app = await createApp({
    store,
    sources: new Map([
      ['lore', 900],
      ['vulns', 900],
      ['kev', 900],
    ]),
    version: 'test',
    log: createLogger('silent'),
  });
  return { app, store, kernel: kernel.name };
}

/** The same, listening on a free port of the loopback address. */
export async function listeningServer(): Promise<{
  app: FastifyInstance;
  url: string;
  kernel: string;
  store: Store;
}> {
  const { app, kernel, store } = await sampleServer();
  await app.listen({ host: '127.0.0.1', port: 0 });
  return { app, url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`, kernel, store };
}
