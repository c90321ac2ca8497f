/** A publisher that stops at any file it writes: hosts see the old archive or the new one, and the next command goes on from there. */
import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  applyChange,
  exportArchive,
  importArchive,
  type KeyChanges,
  Keyring,
  NO_CHANGES,
  proposeKeys,
  readState,
  recallRelease,
  refreshArchive,
  signPending,
  verifyArchive,
} from '#archive';
import { hasCode, indexPath, parseReleaseIndex } from '#domain';
import { systemClock } from '#host';
import { BUILD_ID, newArchive, type OneFolder, publishOne } from '../../../testkit/archive.ts';
import { holderKey, rootOf, visit } from '../../../testkit/ceremony.ts';
import { cutOffAfter } from '../../../testkit/cut-off.ts';
import { scratch } from '../../../testkit/scratch.ts';

const MAX_WRITES = 60;

interface Setting {
  readonly home: string;
  readonly place: OneFolder;
  readonly root: Buffer;
}

async function published(): Promise<Setting> {
  const home = await scratch();
  const place = await newArchive(home, systemClock, 1);
  await publishOne(place, 'tuxtape_one');
  return { home, place, root: await rootOf(place) };
}

/** What a host sees: the numbers that are listed and not recalled. */
async function numbers(directory: string, root: Buffer, state: string): Promise<number[]> {
  return visit({ directory }, root, state, async (archive) => {
    const index = parseReleaseIndex(String((await archive.read(indexPath(BUILD_ID), 1 << 20))?.content))!;
    for (const release of index.releases) assert.ok(await archive.read(release.path, release.length));
    const recalled = new Set((index.recalls ?? []).map(({ number }) => number));
    return index.releases.map(({ number }) => number).filter((number) => !recalled.has(number));
  });
}

/** Does `act` on copies, stopped after each number of writes; `look` is shown each of them. Returns how many there were. */
async function everywhere(
  { home, place }: Setting,
  act: (copy: OneFolder) => Promise<unknown>,
  look: (copy: OneFolder, isDone: boolean, host: string) => Promise<void>,
): Promise<number> {
  for (let writes = 0; writes < MAX_WRITES; writes += 1) {
    const copy = { ...place, directory: join(home, `copy-${writes}`) };
    await cp(place.directory, copy.directory, { recursive: true });
    const isDone = await cutOffAfter(writes, () => act(copy));
    await look(copy, isDone, join(home, `host-${writes}`));
    if (isDone) return writes;
  }
  throw new TypeError('it never ended');
}

test('a publication: the old list or the new one, and doing it again gives the next number, never the same twice', async () => {
  const setting = await published();
  const writes = await everywhere(
    setting,
    (copy) => publishOne(copy, 'tuxtape_two'),
    async (copy, isDone, host) => {
      assert.deepEqual(await numbers(copy.directory, setting.root, host), isDone ? [1, 2] : [1]);
      await publishOne(copy, 'tuxtape_three');
      const after = await numbers(copy.directory, setting.root, host);
      assert.ok(after.length === (after.includes(3) ? 3 : 2), String(after));
      await verifyArchive(copy.directory, systemClock);
    },
  );
  assert.ok(writes > 6, `${writes} files`);
});

test('a recall: after a stop the next refresh has it, or the recall is given again', async () => {
  const setting = await published();
  const recall = (copy: OneFolder): Promise<unknown> =>
    recallRelease(copy, { buildId: BUILD_ID, number: 1, reason: 'x', by: 'jane', propose: false });
  await everywhere(setting, recall, async (copy, isDone, host) => {
    assert.deepEqual(await numbers(copy.directory, setting.root, host), isDone ? [] : [1]);
    const { adopted } = await refreshArchive(copy);
    const left = await numbers(copy.directory, setting.root, host);
    assert.deepEqual(left, isDone || adopted.length > 0 ? [] : [1]);
    if (left.length > 0) await recall(copy);
    assert.deepEqual(await numbers(copy.directory, setting.root, host), []);
  });
});

test('a change of all keys: hosts are never shown anything wrong, and a refresh or the same change again heals it', async () => {
  const setting = await published();
  const { home, place } = setting;
  const replace: { role: (typeof roles)[number]; key: Awaited<ReturnType<typeof holderKey>> }[] = [];
  const roles = ['root', 'targets', 'modules', 'rollout', 'snapshot', 'timestamp'] as const;
  for (const role of roles) replace.push({ role, key: await holderKey(home, 'keys', `${role}-2`) });
  const changes: KeyChanges = { ...NO_CHANGES, replace };
  const { change } = await signPending(
    await proposeKeys(await readState(place.directory), changes, new Date()),
    await Keyring.of(place),
  );
  const writes = await everywhere(
    setting,
    (copy) => applyChange(copy, change),
    async (copy, isDone, host) => {
      const seen = await numbers(copy.directory, setting.root, host).catch((error: unknown) => {
        // Between the new root and the new timestamp: refused, for one poll.
        assert.ok(!isDone && hasCode(error, 'metadata-unsigned'), String(error));
        return [1];
      });
      assert.deepEqual(seen, [1]);
      if (!isDone) await applyChange(copy, change).catch(() => refreshArchive(copy));
      assert.deepEqual(await numbers(copy.directory, setting.root, host), [1]);
      await publishOne(copy, 'tuxtape_two');
      assert.deepEqual(await numbers(copy.directory, setting.root, host), [1, 2]);
      await verifyArchive(copy.directory, systemClock, setting.root);
    },
  );
  assert.ok(writes > 8, `${writes} files`);
});

test('an import: the site serves what it had, or all that came; the same file again ends it', async () => {
  const setting = await published();
  const { home, place, root } = setting;
  const [first, second] = [join(home, 'first.tuxtape'), join(home, 'second.tuxtape')];
  await exportArchive(place, first);
  await publishOne(place, 'tuxtape_two');
  await exportArchive(place, second);
  const site = { ...setting, place: { ...place, directory: join(home, 'site') } };
  await importArchive({ directory: site.place.directory, clock: systemClock }, first, root);
  await everywhere(
    site,
    (copy) => importArchive(copy, second, null),
    async (copy, isDone, host) => {
      assert.deepEqual(await numbers(copy.directory, root, host), isDone ? [1, 2] : [1]);
      await importArchive(copy, second, null);
      assert.deepEqual(await numbers(copy.directory, root, host), [1, 2]);
    },
  );
});
