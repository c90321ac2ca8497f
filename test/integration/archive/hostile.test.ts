/** Files that come from elsewhere, changed at random: read as they are, or refused by a code; nothing else, and nothing is written. */
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  exportArchive,
  importArchive,
  Keyring,
  NO_CHANGES,
  pendingRoles,
  proposeKeys,
  readPending,
  readState,
  signPending,
  writePending,
} from '#archive';
import { StageError } from '#domain';
import { systemClock } from '#host';
import { newArchive, publishOne } from '../../../testkit/archive.ts';
import { rootOf } from '../../../testkit/ceremony.ts';
import { scratch } from '../../../testkit/scratch.ts';

const RUNS = 150;

/** One value somewhere in a tree of JSON, replaced or left out. */
function mutated(value: unknown, picks: readonly number[], other: unknown): unknown {
  const [pick, ...rest] = picks;
  if (pick === undefined || typeof value !== 'object' || value === null) return other;
  if (Array.isArray(value)) {
    const at = pick % Math.max(value.length, 1);
    return value.map((item: unknown, index) => (index === at ? mutated(item, rest, other) : item));
  }
  const keys = Object.keys(value);
  const key = keys[pick % Math.max(keys.length, 1)] ?? 'x';
  return { ...value, [key]: mutated((value as Record<string, unknown>)[key], rest, other) };
}

const odd = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, true, 0, -1, 1.5, 2 ** 60, '', 'x', [], {}, '__proto__', 'targets', 'root'),
  fc.string(),
  fc.integer(),
);

test('a change that was altered anywhere is a change with fewer signatures, or none at all', async () => {
  const home = await scratch();
  const place = await newArchive(home, systemClock, 1);
  const all = { ...NO_CHANGES, renew: ['root', 'targets', 'modules'] as const };
  const proposal = await proposeKeys(await readState(place.directory), all, new Date());
  const { change } = await signPending(proposal, await Keyring.of(place));
  const good = pendingRoles(change);
  assert.ok(good.every(({ have, need }) => have >= need));
  const file = join(home, 'change.json');
  await writePending(file, change);
  const keyring = await Keyring.of({ keys: [] });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(40), { minLength: 1, maxLength: 7 }), odd, async (picks, other) => {
      await writeFile(file, JSON.stringify(mutated(change, picks, other)) ?? '');
      try {
        const read = await readPending(file);
        await signPending(read, keyring);
        for (const { have, need } of pendingRoles(read)) assert.ok(have >= 0 && need >= 1);
      } catch (error) {
        assert.equal((error as StageError).code, 'change-invalid', String((error as Error).stack));
      }
    }),
    { numRuns: RUNS },
  );
});

test('an archive for another site that was altered anywhere is refused by a code, and nothing of it is left', async () => {
  const home = await scratch();
  const place = await newArchive(home, systemClock, 1);
  await publishOne(place, 'tuxtape_one');
  const [file, root] = [join(home, 'a.tuxtape'), await rootOf(place)];
  await exportArchive(place, file);
  const bytes = await readFile(file);
  const inner = { directory: join(home, 'inner'), clock: systemClock };
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), fc.nat(4_000), async (at, by, cut) => {
      const altered = Buffer.from(bytes);
      altered[at] = altered[at]! ^ by;
      await writeFile(file, Buffer.concat([altered.subarray(0, at + 1), altered.subarray(at + 1 + (cut % 3))]));
      await assert.rejects(importArchive(inner, file, root), (error) => error instanceof StageError);
      assert.deepEqual(await readdir(inner.directory), []);
    }),
    { numRuns: RUNS / 3 },
  );
  await writeFile(file, bytes);
  await importArchive(inner, file, root);
});
