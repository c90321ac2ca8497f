import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { LivepatchRecipe } from '#domain';
import { createLogger, systemClock } from '#host';
import { folderSigner, keepGate, makeEnrolment, RolloutController, triageKernel } from '#pipeline';
import {
  addBuilder,
  addDecision,
  addKernel,
  addOverride,
  addRollout,
  askForLivepatch,
  askRollout,
  type KernelRow,
  listVerdicts,
  needKernel,
  type Store,
  seeBuilder,
} from '#store';
import { createGate } from '../src/server/gate/gate.ts';
import { addProvable, GRAVE } from './approvals.ts';
import { checkIn, enrolWith, newHost, saying } from './host-client.ts';
import { policyOf, rolloutOf } from './rollout-script.ts';
import { HOSTILE } from './sample-server.ts';
import { scratch } from './scratch.ts';

/** Text that tries to be more, in words of hosts, of a lint and of a patch. */
export const EVIL = '<img src=x onerror="document.title=\'owned\'">';
export const UNDECIDED = 'edge-6.6';
const PATCH = `--- a/net/core/dev.c
+++ b/net/core/dev.c
@@ -1,4 +1,5 @@ int dev_open(void)
 {
-	return old; /* ${EVIL} */
+	if (!dev)
+		return -EINVAL;
+	return new;
 }
`;

/** Fills a sample server with the rest of what pages show: a kernel nobody decided, a livepatch, a builder with a job, a fleet. */
export async function fillWorld(store: Store, kernelName: string): Promise<void> {
  const kernel = await needKernel(store.db, kernelName);
  const dataDirectory = await scratch();
  await addKernel(store.db, {
    ...{ id: UNDECIDED, name: UNDECIDED, buildId: 'ef'.repeat(20), release: '6.6.9-edge', version: '6.6.9' },
    ...{ arch: 'x86_64', state: 'built', treeDirectory: join(dataDirectory, 'edge'), configSha256: '0'.repeat(64) },
    bundled: false,
    toolchain: { kind: 'host', root: null, compiler: 'gcc (Debian) 12.2.0', linker: null },
  });
  const findings: LivepatchRecipe['findings'] = [
    { ...GRAVE, path: 'net/core/dev.c', what: `a structure may grow ${EVIL}` },
  ];
  const recipe: Partial<LivepatchRecipe> = { cves: [HOSTILE.id], findings, fixCommits: ['ab'.repeat(20)] };
  const made = await addProvable({ store, dataDirectory }, kernel.id, 'one', recipe, PATCH);
  await keepGate(store, dataDirectory, made.livepatch, made.gate);
  const at = new Date();
  await addDecision(
    store.db,
    {
      ...{ cve: HOSTILE.id, kind: 'note', score: null, mitigation: null, reason: `look here ${EVIL}` },
      ...{ until: null, untilPatched: false, author: 'jane' },
    },
    at,
  );
  await addBuilder(store.db, { name: 'forge-1', tokenSha256: sha('forge-1'), by: 'test', at });
  await seeBuilder(store.db, 'forge-1', { at, version: '0.1.0', kernels: [kernel.buildId ?? ''] });
  await askForLivepatch(store.db, {
    kernelId: kernel.id,
    order: {
      buildId: kernel.buildId ?? '',
      kernelRelease: kernel.release ?? '',
      moduleName: 'tuxtape_two',
      patch: PATCH,
    },
    ...{ cves: [HOSTILE.id], priority: 1, timeoutSeconds: 60, requestedBy: 'jane', at },
  });
  await changeVerdict(store, kernel);
  await addRolledOut(store, kernel.buildId ?? '');
  await addFleet(store, kernel.buildId ?? '', kernel.release ?? '');
}

/** A rollout that a round began, and that somebody wants to pause. */
export async function addRolledOut(store: Store, buildId: string) {
  const at = new Date();
  const { floors, release } = rolloutOf({ number: 7 });
  const by = 'jane';
  const id = await addRollout(store.db, { release: { ...release, buildId }, policy: policyOf(), floors, by, at });
  await askRollout(store.db, { rollout: id, do: 'start', by, reason: 'fixes of June' }, at);
  const signer = folderSigner(await scratch());
  const controller = new RolloutController({ store, signer, clock: systemClock });
  await controller.roundBetween();
  await askRollout(store.db, { rollout: id, do: 'pause', by, reason: `wait ${EVIL}` }, at);
  return { id, controller };
}

/** A person says that the least of what is affected is not: a verdict that changed. */
async function changeVerdict(store: Store, kernel: KernelRow): Promise<void> {
  const last = (await listVerdicts(store.db, kernel.id, { status: 'affected', limit: 0 })).at(-1)!;
  const until = new Date(Date.now() + 86_400_000);
  const word = { status: 'not_affected', justification: 'vulnerable_code_not_in_execute_path' } as const;
  const override = { ...word, cve: last.verdict.cve, reason: `switched off ${EVIL}`, until, author: 'jane' };
  await addOverride(store.db, kernel.id, override, new Date());
  await triageKernel({ store, kernel, clock: systemClock });
}

function sha(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Six hosts that enrol and check in over HTTP: one never speaks, one runs a kernel nobody knows, one blames its livepatch. */
async function addFleet(store: Store, buildId: string, release: string): Promise<void> {
  const options = { store, clock: systemClock, log: createLogger('silent'), tls: null, intervalSeconds: 60 };
  const gate = createGate({ ...options, mostPerMinute: 1_000 });
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(gate.address() as AddressInfo).port}`;
  const asked = { group: 'web', uses: 6, seconds: 60, by: 'test' };
  const { token } = await makeEnrolment({ store, clock: systemClock }, asked);
  const known = { buildId, release, arch: 'x86_64' };
  for (const name of ['web-1', 'web-2', 'web-3', 'web-4', 'web-5', 'web-quiet']) {
    const host = newHost();
    await enrolWith(host, url, token, name);
    if (name === 'web-quiet') continue;
    await checkIn(
      host,
      url,
      saying(host, { kernel: name === 'web-5' ? { ...known, buildId: 'cd'.repeat(20) } : known }),
    );
    if (name !== 'web-3') continue;
    const at = new Date().toISOString();
    const report = { key: 'warn-1', kind: 'warning', severity: 'high', title: `WARNING in dev_open ${EVIL}`, at };
    const livepatch = { state: 'reverted', release: 7, sha256: sha('module'), alarm: `stuck ${EVIL}` } as const;
    const reports = [{ ...report, blamed: true, release: 7 }];
    await checkIn(host, url, saying(host, { kernel: known, livepatch, reports }));
  }
  await new Promise((resolve) => gate.close(resolve));
}
