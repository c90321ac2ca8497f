import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import { createLogger, systemClock } from '#host';
import { makeEnrolment } from '#pipeline';
import { openStore, type Store } from '#store';
import { createGate } from '../src/server/gate/gate.ts';
import { databaseUrl } from './database.ts';
import { enrolWith, newHost, type TestHost } from './host-client.ts';
import { scratch } from './scratch.ts';

export const INTERVAL_SECONDS = 60;

/** A gate on a free port of the loopback address. */
export interface GateServer {
  readonly store: Store;
  readonly url: string;
  readonly databaseUrl: string;
  readonly token: (group?: string, uses?: number, seconds?: number) => Promise<string>;
  /** A new host of the group "web". */
  readonly host: (name?: string) => Promise<TestHost>;
}

export async function gateServer({ mostPerMinute = 1_000 } = {}): Promise<GateServer> {
  const address = await databaseUrl();
  const store = await openStore({ dataDirectory: await scratch(), databaseUrl: address });
  const log = createLogger('silent');
  const gate = createGate({
    store,
    clock: systemClock,
    log,
    tls: null,
    intervalSeconds: INTERVAL_SECONDS,
    mostPerMinute,
  });
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve));
  after(async () => {
    await new Promise((resolve) => gate.close(resolve));
    await store.close();
  });
  const url = `http://127.0.0.1:${(gate.address() as AddressInfo).port}`;
  const token = async (group = 'web', uses = 1, seconds = 60): Promise<string> =>
    (await makeEnrolment({ store, clock: systemClock }, { group, uses, seconds, by: 'test' })).token;
  const host = async (name = 'host-1'): Promise<TestHost> => {
    const made = newHost();
    assert.equal((await enrolWith(made, url, await token(), name)).status, 200);
    return made;
  };
  return { store, url, databaseUrl: address, token, host };
}
