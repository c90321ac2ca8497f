/** Keys of an archive: held apart, signed in turn, replaced, taken away; each change seen through the client that hosts run. */
import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type ArchivePlace,
  applyChange,
  type KeyChanges,
  Keyring,
  makeKey,
  NO_CHANGES,
  type PendingChange,
  pendingRoles,
  proposeArchive,
  proposeKeys,
  publishLivepatch,
  readPending,
  readState,
  refreshArchive,
  requireRoot,
  signPending,
  writePending,
} from '#archive';
import { indexPath } from '#domain';
import { systemClock } from '#host';
import { BUILD_ID, bundle, clockAt, newArchive, publishOne } from '../../../testkit/archive.ts';
import { adding, holderKey, rootOf, visit } from '../../../testkit/ceremony.ts';
import { scratch } from '../../../testkit/scratch.ts';

const MAX = 1 << 20;
const NOW = new Date();

interface Team {
  readonly home: string;
  readonly place: ArchivePlace;
  readonly changes: KeyChanges;
}

/** Two of three hold the root, one the targets, two of two the release keys; the server has the online keys. */
async function team(): Promise<Team> {
  const home = await scratch();
  const key = (holder: string, name: string): ReturnType<typeof holderKey> => holderKey(home, holder, name);
  const changes: KeyChanges = {
    ...adding(
      ['root', await key('ann', 'root-ann')],
      ['root', await key('bob', 'root-bob')],
      ['root', await key('eve', 'root-eve')],
      ['targets', await key('ann', 'targets')],
      ['modules', await key('ann', 'release-ann')],
      ['modules', await key('bob', 'release-bob')],
      ['rollout', await key('server', 'rollout')],
      ['snapshot', await key('server', 'snapshot')],
      ['timestamp', await key('server', 'timestamp')],
    ),
    thresholds: [
      { role: 'root', threshold: 2 },
      { role: 'modules', threshold: 2 },
    ],
  };
  const place = { directory: join(home, 'archive'), keys: join(home, 'server'), clock: systemClock };
  return { home, place, changes };
}

/** As it goes from hand to hand: a file, read and written by each. */
async function inTurn(home: string, change: PendingChange, ...holders: string[]): Promise<PendingChange> {
  const file = join(home, 'change.json');
  await writePending(file, change);
  for (const holder of holders) {
    const signed = await signPending(await readPending(file), await Keyring.of({ keys: join(home, holder) }));
    assert.ok(signed.added > 0, holder);
    await writePending(file, signed.change);
  }
  return readPending(file);
}

async function founded(): Promise<Team> {
  const { home, place, changes } = await team();
  await applyChange(place, await inTurn(home, proposeArchive(changes, 4, NOW), 'ann', 'bob'));
  return { home, place, changes };
}

test('an archive is founded by holders that sign in turn; before the threshold it is not there', async () => {
  const { home, place, changes } = await team();
  const proposal = proposeArchive(changes, 4, NOW);
  await assert.rejects(applyChange(place, proposal), { code: 'change-incomplete' });
  const half = await inTurn(home, proposal, 'ann');
  assert.deepEqual(
    pendingRoles(half).map(({ role, have, need }) => [role, have, need]),
    [
      ['modules (bins)', 1, 2],
      ['modules', 1, 2],
      ['targets', 1, 1],
      ['root', 1, 2],
    ],
  );
  await assert.rejects(applyChange(place, half), { code: 'change-incomplete' });
  assert.ok(!(await readdir(home)).includes('archive'));
  await applyChange(place, await inTurn(home, half, 'bob'));
  const found = await visit(place, await rootOf(place), join(home, 'state'), (archive) => archive.read('index/x', MAX));
  assert.equal(found, undefined);
  await assert.rejects(applyChange(place, await inTurn(home, half, 'bob')), { code: 'archive-exists' });
});

test('one of two release keys publishes nothing; both do', async () => {
  const { home, place } = await founded();
  const keys = [place.keys as string, join(home, 'ann')];
  await assert.rejects(publishLivepatch({ ...place, keys }, bundle('m')), { code: 'key-missing' });
  await publishLivepatch({ ...place, keys: [...keys, join(home, 'bob')] }, bundle('m'));
  const read = await visit(place, await rootOf(place), join(home, 's'), (archive) =>
    archive.read(indexPath(BUILD_ID), MAX),
  );
  assert.ok(read);
});

test('a root key is replaced by the others, and hosts follow from the first root; the old one counts no more', async () => {
  const { home, place } = await founded();
  const first = await rootOf(place);
  const state = join(home, 'state');
  await visit(place, first, state, () => Promise.resolve());
  const [old] = (await Keyring.of({ keys: join(home, 'eve') })).held;
  const carol = await holderKey(home, 'carol', 'root-carol');
  const changes: KeyChanges = {
    ...adding(['root', carol]),
    remove: [{ role: 'root', keyid: old!.keyid.slice(0, 12) }],
  };
  const proposal = await proposeKeys(await readState(place.directory), changes, NOW);
  await assert.rejects(applyChange(place, await inTurn(home, proposal, 'carol', 'eve')), { code: 'change-incomplete' });
  await applyChange(place, await inTurn(home, proposal, 'ann', 'carol', 'eve'));
  await visit(place, first, state, () => Promise.resolve());
  await visit(place, await rootOf(place), join(home, 'fresh'), () => Promise.resolve());
  const next = await proposeKeys(await readState(place.directory), { ...NO_CHANGES, renew: ['root'] }, NOW);
  const { change, added } = await signPending(next, await Keyring.of({ keys: join(home, 'eve') }));
  assert.equal(added, 0, 'eve has no key of this archive any more');
  await assert.rejects(applyChange(place, await inTurn(home, change, 'ann')), { code: 'change-incomplete' });
});

test('a release key that is revoked signs nothing that hosts take: every bin was signed anew', async () => {
  const home = await scratch();
  const place = await newArchive(home);
  await publishOne(place, 'tuxtape_one');
  const root = await rootOf(place);
  const stolen = { ...place, keys: join(home, 'stolen') };
  await mkdir(stolen.keys, { mode: 0o700 });
  for (const name of await readdir(place.keys))
    await writeFile(join(stolen.keys, name), await readFile(join(place.keys, name)), { mode: 0o600 });
  const modules = await holderKey(home, 'keys', 'modules-2');
  const proposal = await proposeKeys(
    await readState(place.directory),
    { ...NO_CHANGES, replace: [{ role: 'modules', key: modules }] },
    NOW,
  );
  await applyChange(place, await inTurn(home, proposal, 'keys'));
  await assert.rejects(publishOne(stolen, 'tuxtape_bad'), { code: 'key-mismatch' });
  await publishOne(place, 'tuxtape_two');
  const read = await visit(place, root, join(home, 's'), (archive) => archive.read(indexPath(BUILD_ID), MAX));
  assert.match(String(read?.content), /tuxtape_two/);
});

test('online keys are replaced one by one, and hosts that know the old ones go on', async () => {
  const home = await scratch();
  const place = await newArchive(home);
  await publishOne(place, 'tuxtape_one');
  const [root, state] = [await rootOf(place), join(home, 'state')];
  await visit(place, root, state, () => Promise.resolve());
  for (const role of ['timestamp', 'snapshot', 'rollout', 'targets'] as const) {
    const key = await holderKey(home, 'keys', `${role}-2`);
    const changes = { ...NO_CHANGES, replace: [{ role, key }] };
    await applyChange(
      place,
      await inTurn(home, await proposeKeys(await readState(place.directory), changes, NOW), 'keys'),
    );
    const read = await visit(place, root, state, (archive) => archive.read(indexPath(BUILD_ID), MAX));
    assert.ok(read, role);
  }
});

test('a change that the archive has moved past is refused, and so is one that would change nothing or mix keys', async () => {
  const home = await scratch();
  const place = await newArchive(home);
  const state = await readState(place.directory);
  const changes: KeyChanges = { ...NO_CHANGES, renew: ['modules'] };
  const proposal = await inTurn(home, await proposeKeys(state, changes, NOW), 'keys');
  await publishOne(place, 'tuxtape_one');
  await assert.rejects(applyChange(place, proposal), { code: 'change-outdated' });
  await assert.rejects(proposeKeys(state, NO_CHANGES, NOW), { code: 'change-invalid' });
  const timestamp = state.root.signed.roles.timestamp.keyids[0]!;
  const shared = { role: 'modules', key: state.root.signed.keys[timestamp]! } as const;
  await assert.rejects(proposeKeys(state, { ...NO_CHANGES, add: [shared] }, NOW), { code: 'change-invalid' });
  for (const threshold of [0, 2, 1.5])
    await assert.rejects(proposeKeys(state, { ...NO_CHANGES, thresholds: [{ role: 'root', threshold }] }, NOW), {
      code: 'change-invalid',
    });
});

test('a change that was tampered with on its way counts no signature, or is no change', async () => {
  const { home, place, changes } = await team();
  const signed = await inTurn(home, proposeArchive(changes, 2, NOW), 'ann', 'bob');
  const text = JSON.stringify(signed);
  const file = join(home, 'change.json');
  const later = text.replaceAll(/"expires":"20(\d\d)/g, (_, year) => `"expires":"20${Number(year) + 1}`);
  await writeFile(file, later);
  await assert.rejects(applyChange(place, await readPending(file)), { code: 'change-incomplete' });
  for (const bad of [
    '{}',
    text.slice(0, -9),
    text.replace('"_type":"root"', '"_type":"targets"'),
    text.replace('modules-0', '../x'),
  ]) {
    await writeFile(file, bad);
    await assert.rejects(readPending(file), { code: 'change-invalid' });
  }
  assert.ok(!(await readdir(home)).includes('archive'));
});

test('a publisher whose clock was ahead goes on after its timestamp key was replaced, and hosts forget that time', async () => {
  const home = await scratch();
  const place = await newArchive(home);
  const [root, state] = [await rootOf(place), join(home, 'state')];
  const ahead = { ...place, clock: clockAt(20 * 86_400_000) };
  await refreshArchive(ahead);
  await visit(place, root, state, () => Promise.resolve());
  await assert.rejects(refreshArchive(place), { code: 'clock-behind' });
  const key = await holderKey(home, 'keys', 'timestamp-2');
  const changes = { ...NO_CHANGES, replace: [{ role: 'timestamp' as const, key }] };
  await applyChange(
    place,
    await inTurn(home, await proposeKeys(await readState(place.directory), changes, NOW), 'keys'),
  );
  await refreshArchive(place);
  await visit(place, root, state, () => Promise.resolve());
});

test('a key that lies open to others is not used', async () => {
  const home = await scratch();
  const held = await makeKey(join(home, 'keys'), 'one', null);
  await chmod(held.file, 0o640);
  await assert.rejects(Keyring.of({ keys: join(home, 'keys') }), { code: 'key-exposed' });
});

test('a change that makes up what was before it is refused, and one of another root is told to who has a copy', async () => {
  const home = await scratch();
  const [place, other] = [
    await newArchive(home, systemClock, 1),
    await newArchive(join(home, 'other'), systemClock, 1),
  ];
  const changes: KeyChanges = { ...NO_CHANGES, renew: ['root'] };
  const change = await proposeKeys(await readState(place.directory), changes, NOW);
  const file = join(home, 'change.json');
  const { base } = await proposeKeys(await readState(other.directory), changes, NOW);
  const forged = { ...change.base!.root.signed, roles: base!.root.signed.roles, keys: base!.root.signed.keys };
  const lies: PendingChange[] = [
    { ...change, base: { ...change.base!, root: { ...change.base!.root, signed: forged } } },
    { ...change, base: { ...change.base!, targets: base!.targets } },
    { ...change, base: { ...change.base!, modules: base!.modules } },
  ];
  for (const lie of lies) {
    await writePending(file, lie);
    await assert.rejects(readPending(file), { code: 'change-invalid' });
  }
  await writePending(file, change);
  const read = await readPending(file);
  requireRoot(read, await rootOf(place), 'root.json');
  for (const root of [await rootOf(other), Buffer.from('{}'), Buffer.from('x')])
    assert.throws(() => requireRoot(read, root, 'root.json'), { code: 'change-invalid' });
});
