import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after } from 'node:test';
import { type BuilderClient, createBuilderClient, type LeaseRequest } from '#contract';
import type { BuildId, LivepatchOrder, MadeParts, PatchedFunction } from '#domain';
import { createLogger, postJson, systemClock } from '#host';
import { type JobDoors, requestJob } from '#pipeline';
import { addBuilder, addKernel, type LivepatchJobRow, openQueues, openStore, type Store } from '#store';
import { createApp } from '../src/server/app.ts';
import { databaseUrl } from './database.ts';
import { RELEASE } from './replacing-module.ts';
import { scratch } from './scratch.ts';

export const BUILD_IDS = ['aa'.repeat(20), 'bb'.repeat(20)] as const satisfies readonly BuildId[];

/** A server with two kernels on a free port of the loopback address, and what its own processes ask for livepatches with. */
export interface BuilderServer extends JobDoors {
  readonly url: string;
  readonly databaseUrl: string;
  readonly kernelIds: readonly string[];
  /** Adds a builder; the client speaks with its token. */
  readonly builder: (name: string) => Promise<BuilderClient>;
  readonly client: (token: string) => BuilderClient;
}

export async function builderServer(): Promise<BuilderServer> {
  const address = await databaseUrl();
  const home = await scratch();
  const store = await openStore({ dataDirectory: home, databaseUrl: address });
  const queues = await openQueues(store);
  const app = await createApp({ store, sources: new Map(), version: 'test', log: createLogger('silent') });
  await app.listen({ host: '127.0.0.1', port: 0 });
  after(async () => {
    await app.close();
    await queues.close();
    await store.close();
  });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const client = (token: string): BuilderClient => clientOf(url, token);
  const builder = async (name: string): Promise<BuilderClient> => {
    const token = `ttb_${createHash('sha256').update(name).digest('base64url')}`;
    const tokenSha256 = createHash('sha256').update(token).digest('hex');
    await addBuilder(store.db, { name, tokenSha256, by: 'test', at: new Date() });
    return client(token);
  };
  const kernelIds = await twoKernels(store, home);
  return { store, queues, clock: systemClock, url, databaseUrl: address, kernelIds, builder, client };
}

/** What the server answers with besides success is thrown as its code. */
function clientOf(url: string, token: string): BuilderClient {
  return createBuilderClient(async (path, body) => {
    const { status, body: answer } = await postJson(`${url}${path}`, body, {
      token,
      timeoutMs: 10_000,
      maxBytes: 1 << 20,
    });
    if (status < 300) return answer;
    throw new TypeError(`${status} ${(answer as { code: string }).code}`);
  });
}

/** As built somewhere else: this server has their rows, and no trees. */
async function twoKernels(store: Store, home: string): Promise<string[]> {
  const ids: string[] = [];
  for (const [i, buildId] of BUILD_IDS.entries()) {
    const id = `kernel-${i + 1}`;
    await addKernel(store.db, {
      ...{ id, name: id, buildId, release: RELEASE, version: '6.1.170', arch: 'x86_64', state: 'built' },
      ...{ treeDirectory: join(home, id), configSha256: '0'.repeat(64), bundled: false },
      toolchain: { root: null, compiler: 'gcc', make: 'make', packages: {} } as never,
    });
    ids.push(id);
  }
  return ids;
}

/** Asks for a livepatch of kernel 1 or 2; `what` makes its change, and so its name, its own. */
export async function ask(
  server: BuilderServer,
  what: string,
  { kernel = 1, priority = 0, timeoutSeconds = 60 } = {},
): Promise<LivepatchJobRow> {
  const request = { order: orderOf(what, kernel), cves: [], priority, timeoutSeconds, requestedBy: 'test' };
  return (await requestJob(server, { ...request, kernelId: server.kernelIds[kernel - 1]! })).job;
}

export function orderOf(what: string, kernel = 1): LivepatchOrder {
  return { buildId: BUILD_IDS[kernel - 1]!, kernelRelease: RELEASE, moduleName: `tuxtape_${what}`, patch: `${what}\n` };
}

export const FUNCTIONS: readonly PatchedFunction[] = [{ object: 'vmlinux', name: 'vfs_read' }];

export const MADE: MadeParts & {
  functions: PatchedFunction[];
  sameCode: string[];
  leftBehind: never[];
  findings: never[];
} = { engineVersion: 'kpatch 0.9', functions: [...FUNCTIONS], sameCode: [], leftBehind: [], findings: [] };

export function lease(client: BuilderClient, ...kernels: readonly BuildId[]): ReturnType<BuilderClient['lease']> {
  const request: LeaseRequest = { version: 'test', kernels: kernels.length === 0 ? [...BUILD_IDS] : [...kernels] };
  return client.lease(request);
}
