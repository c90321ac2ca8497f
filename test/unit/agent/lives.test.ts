/** The whole state machine through random lives: releases of every kind, recalls, kills, power cuts, reboots. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_UNCLEAN_BOOTS } from '../../../src/agent/plan/boot.ts';
import { isBad } from '../../../src/agent/plan/observation.ts';
import { BUILD_ID } from '../../../testkit/archive.ts';
import { ModelHost } from '../../../testkit/model-host.ts';
import type { Behaviour } from '../../../testkit/model-kernel.ts';
import { rolloutFile } from '../../../testkit/rollout-words.ts';

// A moment after the load, so that what goes over it is loaded later.
const FAULT = '1,99,50100000,-;BUG: kernel NULL pointer dereference, address: 0\n';

const kinds: Readonly<Record<string, Behaviour>> = {
  good: {},
  refuses: { refuses: true },
  stalls: { stalls: true },
  logs: { logs: FAULT },
  unreadable: { unreadable: 5 },
  dies: { dies: 'at-load' },
  'dies later': { dies: 30 },
  hangs: { hangs: true },
};

type Act =
  | { readonly act: 'publish'; readonly kind: string }
  | { readonly act: 'recall'; readonly which: number }
  | { readonly act: 'run' }
  | { readonly act: 'kill'; readonly after: number }
  | { readonly act: 'cut'; readonly after: number }
  | { readonly act: 'reboot' }
  | { readonly act: 'network' };

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      act: fc.constant('publish' as const),
      kind: fc.constantFrom(...Object.keys(kinds), 'good'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('recall' as const), which: fc.nat(20) }) },
  { weight: 4, arbitrary: fc.constant({ act: 'run' as const }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('kill' as const), after: fc.nat(40) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('cut' as const), after: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.constant({ act: 'reboot' as const }) },
  { weight: 1, arbitrary: fc.constant({ act: 'network' as const }) },
);

/** Checks, at the very moment the kernel is asked, that it may be. */
function guard(host: ModelHost): void {
  const { kernel } = host;
  const effect = kernel.before;
  kernel.before = (what, name) => {
    effect(what, name);
    const journal = host.journal();
    const release = host.releases.find(({ moduleName }) => moduleName === name)!;
    if (what === 'load') {
      assert.ok(!isBad(journal, release), `${name} failed here or was recalled, and is loaded`);
      assert.ok(!host.told.has(release.number), `${name} is loaded although the archive said that it is recalled`);
      assert.ok(!kernel.killers.includes(name), `${name} took the machine down and is loaded again`);
      assert.equal(journal.state, 'loading', 'the intent is on the disk before the kernel is asked');
      assert.equal(journal.release?.sha256, release.sha256);
      assert.equal(journal.bootId, `boot ${kernel.boots}`);
    }
  };
}

async function live(host: ModelHost, { act, ...more }: Act): Promise<void> {
  const { which = 0, after = 0, kind = 'good' } = more as { which?: number; after?: number; kind?: string };
  if (act === 'publish') host.publish(`tuxtape_${host.releases.length + 1}`, kinds[kind]);
  else if (act === 'recall' && host.releases.length > 0) host.recall(host.releases[which % host.releases.length]!);
  else if (act === 'network') host.reachable = !host.reachable;
  else if (act === 'reboot') host.reboot(true);
  if (!['run', 'kill', 'cut'].includes(act)) return;
  const killers = host.kernel.killers.length;
  host.fuse = act === 'run' ? null : after;
  await host.run();
  host.fuse = null;
  if (act === 'cut' || host.kernel.killers.length > killers) host.reboot(false);
}

/** Runs until nothing changes any more, with the network up and nothing cut off but by what is loaded. */
async function settle(host: ModelHost): Promise<void> {
  host.reachable = true;
  for (let i = 0; i < host.releases.length * 3 + 6; i += 1) await live(host, { act: 'run' });
}

async function enabled(host: ModelHost): Promise<string[]> {
  return (await host.kernel.livepatches()).filter((patch) => patch.enabled).map(({ name }) => name);
}

test('through any life: nothing bad is loaded again, and in the end the newest good release is on', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 40 }), async (acts) => {
      const host = new ModelHost();
      guard(host);
      for (const one of acts) await live(host, one);
      await settle(host);
      const journal = host.journal();
      const on = await enabled(host);
      const good = host.releases.filter((release) => !isBad(journal, release));
      for (const name of on)
        assert.ok(
          good.some(({ moduleName }) => moduleName === name),
          `${name} is bad and on`,
        );
      if (journal.guard.unclean >= MAX_UNCLEAN_BOOTS) return;
      assert.deepEqual(
        on,
        good.slice(-1).map(({ moduleName }) => moduleName),
      );
      const loads = host.kernel.loads.length;
      await host.run();
      assert.equal(host.kernel.loads.length, loads, 'a host at rest stays at rest');
    }),
    { numRuns: 200 },
  );
});

test('a livepatch that is on comes off bare only where no accepted one can go over it', async () => {
  // Without a kernel log nothing can be judged, so nothing goes over it: that kind has its own test.
  const judged = act.filter((one) => one.act !== 'publish' || one.kind !== 'unreadable');
  await fc.assert(
    fc.asyncProperty(fc.array(judged, { maxLength: 40 }), async (acts) => {
      const host = new ModelHost();
      const effect = host.kernel.before;
      host.kernel.before = (what, name) => {
        effect(what, name);
        if (what !== 'disable') return;
        const journal = host.journal();
        const patch = host.kernel.shown().find((shown) => shown.name === name);
        if (patch?.transition !== false) return;
        const others = journal.accepted.filter(
          (one) => one.moduleName !== name && !isBad(journal, one) && host.store.has(one.sha256),
        );
        assert.deepEqual(others, [], `${name} is taken off bare`);
      };
      for (const one of acts) {
        const { boots } = host.kernel;
        const wasOn = (await enabled(host)).length > 0;
        await live(host, one);
        if (!wasOn || host.kernel.boots !== boots || (await enabled(host)).length > 0) continue;
        const journal = host.journal();
        const left = journal.accepted.filter((one) => !isBad(journal, one) && host.store.has(one.sha256));
        assert.deepEqual(left, [], 'neither the old nor the new');
      }
    }),
    { numRuns: 150 },
  );
});

test('a good release never fails where nothing is cut off', async () => {
  const calm = act.filter(
    (one) => !['kill', 'cut'].includes(one.act) && (one.act !== 'publish' || !/dies/.test(one.kind)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(calm, { maxLength: 40 }), async (acts) => {
      const host = new ModelHost();
      for (const one of acts) await live(host, one);
      for (const { moduleName, why } of host.journal().failed)
        assert.notDeepEqual(host.kernel.behaviours.get(moduleName), {}, `${moduleName}: ${why}`);
    }),
    { numRuns: 150 },
  );
});

test('a boot that had settled is counted all the same when something new is loaded in it', async () => {
  const host = new ModelHost();
  host.publish('tuxtape_1');
  for (let i = 0; i < 5; i += 1) await live(host, { act: 'run' });
  host.publish('tuxtape_2', { dies: 30 });
  await live(host, { act: 'run' });
  await live(host, { act: 'run' });
  assert.equal(host.journal().guard.unclean, 1);
  assert.deepEqual(await enabled(host), ['tuxtape_1']);
  for (let i = 0; i < 5; i += 1) await live(host, { act: 'run' });
  host.reboot(false);
  await live(host, { act: 'run' });
  assert.equal(host.journal().guard.unclean, 0, 'a power cut long after is none of it');
});

test('the online key can stop and choose, and bring back nothing old', async () => {
  const host = new ModelHost();
  const releases = [host.publish('tuxtape_1'), host.publish('tuxtape_2')] as const;
  host.rollout = rolloutFile(BUILD_ID, releases, { serial: 1, state: 'halted' });
  assert.match((await host.run())?.note ?? '', /halted/);
  assert.equal(host.kernel.loads.length, 0);
  host.rollout = rolloutFile(BUILD_ID, releases, { serial: 2, soakSeconds: 500 });
  const before = host.kernel.seconds;
  await host.run();
  assert.deepEqual(await enabled(host), ['tuxtape_2']);
  assert.ok(host.kernel.seconds - before >= 500, 'a longer soak is obeyed');
  host.rollout = rolloutFile(BUILD_ID, [releases[0]], { serial: 3 });
  await host.run();
  assert.deepEqual(await enabled(host), ['tuxtape_2'], 'nothing older is loaded over it');
  host.rollout = rolloutFile(BUILD_ID, releases, { serial: 4, state: 'halted' });
  host.reboot(true);
  await host.run();
  assert.deepEqual(await enabled(host), ['tuxtape_2'], 'what was accepted here comes back all the same');
  host.recall(releases[1]);
  await host.run();
  assert.deepEqual(await enabled(host), [], 'no halt keeps a recalled release on');
});

test('after so many boots that went down after a load nothing is loaded, whatever the archive says', async () => {
  const host = new ModelHost();
  for (let i = 0; i < MAX_UNCLEAN_BOOTS; i += 1) {
    host.publish(`tuxtape_${i}`, { dies: 30 });
    await live(host, { act: 'run' });
  }
  assert.equal(host.kernel.killers.length, MAX_UNCLEAN_BOOTS);
  host.publish('tuxtape_good');
  const result = await host.run();
  assert.equal(result?.problem?.code, 'quarantined');
  assert.equal((await host.run())?.problem?.code, 'crash-loop');
  assert.deepEqual(await enabled(host), []);
});
