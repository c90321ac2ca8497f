/**
 * Somebody has the server and all online keys (snapshot, timestamp, rollout). Shown through the client that hosts run and the choice they
 * make: he can stop, delay, or hurry down to the signed floors. He can introduce nothing: no module, no other kernel's and no old one; he
 * cannot recall, undo a recall, or mitigate.
 */
import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  applyChange,
  Keyring,
  mitigate,
  NO_CHANGES,
  proposeKeys,
  readState,
  recallRelease,
  refreshArchive,
  setFloors,
  signPending,
} from '#archive';
import {
  chooseRelease,
  type HostMemory,
  hasCode,
  indexPath,
  mitigationsInForce,
  parseReleaseIndex,
  parseRolloutFile,
  type ReleaseMark,
  releasePath,
  renderRolloutFile,
  rolloutPath,
} from '#domain';
import { type Clock, sha256, systemClock } from '#host';
import { BUILD_ID, bundle, clockAt, newArchive, type OneFolder, publishOne } from '../../../testkit/archive.ts';
import { holderKey, rootOf, visit } from '../../../testkit/ceremony.ts';
import { idWithin, rolloutFile, turnHost } from '../../../testkit/rollout-words.ts';
import { scratch } from '../../../testkit/scratch.ts';
import { Thief } from '../../../testkit/thief.ts';

const MAX = 4 << 20;
const DAY_MS = 86_400_000;
const OTHER = 'd'.repeat(40);
const FLOORS = { leastSoakSeconds: 3_600, largestSharePercent: 10 };
const EVIL = Buffer.from('a module of the thief');

interface Host {
  readonly state: string;
  readonly memory: HostMemory;
}

/** What came of a poll: what it would load, and what it believes of recalls and mitigations. */
interface Outcome {
  readonly module: string | null;
  readonly number: number | null;
  readonly soakSeconds: number | null;
  readonly recalls: readonly number[];
  readonly mitigations: readonly string[];
}

interface Scene {
  readonly home: string;
  readonly place: OneFolder;
  readonly root: Buffer;
  readonly thief: Thief;
  /** Has seen the archive to its newest, and runs release 3. */
  readonly seasoned: Host;
  /** Was set up after the theft. */
  readonly fresh: Host;
}

/** Among the first tenth, whatever the release. */
const first: HostMemory['asks'] = ({ sha256: hash }) => turnHost({ id: idWithin(hash, 0, 10) });

/** Release 2 of 3 was recalled; there are a mitigation, floors, and a second kernel. */
async function scene(): Promise<Scene> {
  const home = await scratch();
  const place = await newArchive(home, systemClock, 2);
  for (const name of ['tuxtape_one', 'tuxtape_two', 'tuxtape_three']) await publishOne(place, name);
  await publishOne(place, 'tuxtape_other', OTHER);
  const said = { buildId: BUILD_ID, by: 'jane', propose: false };
  await recallRelease(place, { ...said, number: 2, reason: 'it oopses' });
  await setFloors(place, { ...said, floors: FLOORS });
  const until = new Date(Date.now() + 30 * DAY_MS).toISOString();
  const action = { kind: 'modprobe-blocklist', module: 'ksmbd' } as const;
  const mitigation = { cve: 'CVE-2026-10009', action, reason: 'no patch', until, by: 'jane' } as const;
  await mitigate(place, { buildId: BUILD_ID, mitigation, propose: false });
  const root = await rootOf(place);
  const seasoned = { state: join(home, 'seasoned'), memory: { newest: 3, recalled: [2], follows: false, asks: first } };
  const fresh = { state: join(home, 'fresh'), memory: { newest: 0, recalled: [], follows: false, asks: first } };
  await poll(place.directory, root, seasoned);
  return { home, place, root, seasoned, fresh, thief: await Thief.of(place, join(home, 'stolen')) };
}

/** As an agent does it: nothing but what the client verified, and the choice of #domain. */
async function poll(directory: string, root: Buffer, host: Host, clock: Clock = systemClock): Promise<Outcome> {
  return visit({ directory, clock }, root, host.state, async (archive) => {
    const listed = await archive.read(indexPath(BUILD_ID), MAX);
    const index = listed === undefined ? undefined : parseReleaseIndex(String(listed.content));
    const blank = { module: null, number: null, soakSeconds: null, recalls: host.memory.recalled, mitigations: [] };
    if (index?.buildId !== BUILD_ID) return blank;
    const said = await archive.read(rolloutPath(BUILD_ID), MAX);
    const file = said === undefined ? null : parseRolloutFile(String(said.content));
    // One that cannot be read is not none: nobody knows what it says.
    if (file === undefined) return blank;
    const found = chooseRelease(index, file, host.memory);
    const recalls = [...new Set([...host.memory.recalled, ...(index.recalls ?? []).map(({ number }) => number)])];
    const mitigations = mitigationsInForce(index.mitigations ?? [], [], clock.now()).map(({ action }) =>
      JSON.stringify(action),
    );
    const nothing = { module: null, number: null, soakSeconds: null, recalls, mitigations };
    if (found.step === 'none') return nothing;
    const { release, soakSeconds } = found;
    const module = await archive.read(release.path, release.length);
    const mark = module?.custom['release'] as ReleaseMark | undefined;
    if (mark?.buildId !== BUILD_ID || mark.number !== release.number) return nothing;
    return { ...nothing, module: String(module!.content), number: release.number, soakSeconds };
  });
}

const NAMES = ['', 'tuxtape_one', 'tuxtape_two', 'tuxtape_three', 'tuxtape_four'];

/** A rollout file that opens a release to all, as the thief of the online key signs it. */
function words(number: number, part: { buildId?: string; state?: 'halted' } = {}): Buffer {
  const { module } = bundle(NAMES[number]!);
  const { buildId = BUILD_ID, ...rest } = part;
  return Buffer.from(renderRolloutFile(rolloutFile(buildId, [{ number, sha256: sha256(module) }], rest)));
}

/** What both hosts would load, with nothing else looked at. */
async function numbers({ thief, root, seasoned, fresh }: Scene): Promise<(number | null)[]> {
  return [(await poll(thief.directory, root, seasoned)).number, (await poll(thief.directory, root, fresh)).number];
}

const right = (number: number): string => String(bundle(NAMES[number]!).module);

/** Whatever was tried: a refusal, or nothing that release keys did not sign for this kernel. */
async function harmless({ thief, root, seasoned, fresh }: Scene): Promise<(string | number | null)[]> {
  const outcomes: (string | number | null)[] = [];
  for (const host of [seasoned, fresh]) {
    try {
      const { module, number, soakSeconds, recalls, mitigations } = await poll(thief.directory, root, host);
      if (number !== null) {
        assert.equal(module, right(number), 'the bytes that were published for this kernel');
        assert.ok(number >= host.memory.newest, 'not below what it had');
        assert.ok(number !== 2, 'not what was recalled');
        assert.ok(soakSeconds! >= FLOORS.leastSoakSeconds);
      }
      assert.deepEqual(recalls, [2]);
      assert.deepEqual(mitigations, ['{"kind":"modprobe-blocklist","module":"ksmbd"}']);
      outcomes.push(number);
    } catch (error) {
      if (
        !hasCode(
          error,
          'metadata-unsigned',
          'metadata-rollback',
          'metadata-invalid',
          'metadata-missing',
          'metadata-expired',
          'target-mismatch',
          'target-missing',
          'archive-offline',
        )
      )
        throw error;
      outcomes.push(error.code);
    }
  }
  return outcomes;
}

test('before the theft both hosts go to release 3', async () => {
  assert.deepEqual(await harmless(await scene()), [3, 3]);
});

test('he can stop: halt, take the archive away, or spoil it', async () => {
  const halted = await scene();
  await halted.thief.rollout({ [rolloutPath(BUILD_ID)]: words(3, { state: 'halted' }) });
  assert.deepEqual(await harmless(halted), [null, null]);
  const spoilt = await scene();
  await spoilt.thief.list({ 'modules-0': 1_000_000, modules: 1_000_000 });
  assert.deepEqual(await harmless(spoilt), ['metadata-missing', 'metadata-missing']);
  const gone = await scene();
  await rm(join(gone.thief.directory, 'metadata'), { recursive: true });
  assert.deepEqual(await harmless(gone), ['metadata-missing', 'metadata-missing']);
});

test('he can delay: hosts are held at what they have, and say so once the timestamp he holds back expires', async () => {
  const { place, thief, root, seasoned } = await scene();
  await publishOne(place, 'tuxtape_four');
  assert.equal((await poll(thief.directory, root, seasoned)).number, 3);
  // He signs on as long as nobody takes his keys away; what release keys signed runs out, and he cannot sign that.
  const later = clockAt(91 * DAY_MS);
  const expires = new Date(Date.now() + 365 * DAY_MS).toISOString().replace(/\.\d+Z/, 'Z');
  const snapshot = await thief.newest('snapshot');
  await thief.write(`${snapshot.signed.version}.snapshot.json`, { ...snapshot.signed, expires }, 'snapshot');
  await thief.list({}, { expires });
  await assert.rejects(poll(thief.directory, root, seasoned, later), { code: 'metadata-expired' });
});

test('he can hurry, down to the floors: a tenth of the hosts at once, the soak no shorter than signed', async () => {
  const all = await scene();
  const { thief, root, fresh } = all;
  await thief.rollout({ [rolloutPath(BUILD_ID)]: words(3) });
  assert.deepEqual(await harmless(all), [3, 3]);
  const hash = sha256(bundle('tuxtape_three').module);
  for (const [from, to, number] of [
    [0, 10, 3],
    [10, 20, null],
    [90, 100, null],
  ] as const) {
    const id = idWithin(hash, from, to);
    const host = { state: fresh.state, memory: { ...fresh.memory, asks: () => turnHost({ id }) } };
    assert.equal((await poll(thief.directory, root, host)).number, number, `from ${from} to ${to} %`);
  }
  assert.equal((await poll(thief.directory, root, fresh)).soakSeconds, FLOORS.leastSoakSeconds);
});

test('he cannot introduce a module: not as a bin, as targets, as the rollout, by delegation, by root or by bytes', async () => {
  const index = (path: string, module: Buffer): Buffer => {
    const release = {
      ...{ buildId: BUILD_ID, kernelRelease: 'x', moduleName: 'evil', number: 4, cves: [], functions: [] },
      path,
    };
    const entry = { ...release, sha256: '0'.repeat(64), length: module.length };
    return Buffer.from(JSON.stringify({ version: 1, buildId: BUILD_ID, kernelRelease: 'x', releases: [entry] }));
  };
  const path = releasePath({ buildId: BUILD_ID, number: 4 }, 'evil.ko');
  const evil = { [indexPath(BUILD_ID)]: index(path, EVIL), [path]: EVIL };

  const asBins = await scene();
  const listed: Record<string, number> = {};
  for (const name of await readdir(join(asBins.thief.directory, 'metadata'))) {
    const role = /^1\.(modules-[0-9a-f]+)\.json$/.exec(name)?.[1];
    if (role === undefined) continue;
    const targets: Record<string, unknown> = {};
    for (const [target, content] of Object.entries(evil)) targets[target] = await asBins.thief.target(target, content);
    listed[role] = await asBins.thief.forge(role, (signed) => ({ ...signed, targets }));
  }
  await asBins.thief.list(listed);
  assert.deepEqual(await harmless(asBins), ['metadata-unsigned', 'metadata-unsigned']);

  for (const role of ['targets', 'modules']) {
    const forged = await scene();
    const targets: Record<string, unknown> = {};
    for (const [target, content] of Object.entries(evil)) targets[target] = await forged.thief.target(target, content);
    const version = await forged.thief.forge(role, (signed) => ({ ...signed, targets }));
    await forged.thief.list({ [role]: version });
    assert.deepEqual(await harmless(forged), ['metadata-unsigned', 'metadata-unsigned'], role);
  }

  const asRollout = await scene();
  await asRollout.thief.rollout(evil);
  assert.deepEqual(await harmless(asRollout), [3, 3], 'the rollout is not asked for paths of release keys');

  const delegating = await scene();
  const { signed } = await delegating.thief.newest('targets');
  const { keys, roles } = signed['delegations'] as { keys: object; roles: { name: string; keyids: string[] }[] };
  const { keyids } = roles.find(({ name }) => name === 'rollout')!;
  const paths = ['*', '*/*', 'index/*', 'livepatches/*/*/*'];
  const role = { name: 'evil', keyids, threshold: 1, paths, terminating: true };
  await delegating.thief.rollout(evil, { delegations: { keys, roles: [role] } });
  const { signed: rollout } = await delegating.thief.newest('rollout');
  await delegating.thief.write('1.evil.json', { ...rollout, delegations: undefined, version: 1 }, 'rollout');
  await delegating.thief.list({ evil: 1 });
  assert.deepEqual(await harmless(delegating), [3, 3], 'nobody is asked whom the rollout delegates to');

  const asRoot = await scene();
  const version = await asRoot.thief.forge('root', (signed) => signed);
  assert.equal(version, 2);
  assert.deepEqual(await harmless(asRoot), ['metadata-unsigned', 'metadata-unsigned']);

  const bytes = await scene();
  for (const name of await readdir(join(bytes.thief.directory, 'targets'), { recursive: true }))
    if (name.endsWith('tuxtape_three.ko')) await writeFile(join(bytes.thief.directory, 'targets', name), EVIL);
  assert.deepEqual(await harmless(bytes), ['target-mismatch', 'target-mismatch']);
});

test("he cannot give a host another kernel's module, nor an old one", async () => {
  const foreign = await scene();
  await foreign.thief.rollout({ [rolloutPath(BUILD_ID)]: words(1, { buildId: OTHER }) });
  assert.deepEqual(await harmless(foreign), [null, null]);
  const swapped = await scene();
  const folder = join(swapped.thief.directory, 'targets/index');
  const names = await readdir(folder);
  const other = await readFile(join(folder, names.find((name) => name.endsWith(`.${OTHER}.json`))!));
  for (const name of names) if (name.endsWith(`.${BUILD_ID}.json`)) await writeFile(join(folder, name), other);
  assert.deepEqual(await harmless(swapped), ['target-mismatch', 'target-mismatch']);
  const old = await scene();
  await old.thief.rollout({ [rolloutPath(BUILD_ID)]: words(1) });
  const [seasoned, fresh] = await harmless(old);
  assert.equal(seasoned, null, 'it had release 3, and nobody recalled that');
  assert.equal(
    fresh,
    1,
    'a host without any is delayed: release keys signed it for this kernel, and did not recall it',
  );
  const none = await scene();
  for (const release of [2, 4]) {
    await none.thief.rollout({ [rolloutPath(BUILD_ID)]: words(release) });
    assert.deepEqual(await harmless(none), [null, null], `release ${release}`);
  }
});

test('he cannot recall, undo a recall, or mitigate: no way to say it is his', async () => {
  const said = await scene();
  const given = JSON.parse(String(words(3))) as object;
  const more = {
    recalls: [{ number: 3, reason: 'x', at: '2026-01-01T00:00:00Z', by: 'x' }],
    mitigations: [],
    floors: { leastSoakSeconds: 0, largestSharePercent: 100 },
  };
  await said.thief.rollout({ [rolloutPath(BUILD_ID)]: Buffer.from(JSON.stringify({ ...given, ...more })) });
  assert.deepEqual(await numbers(said), [null, null], 'no word of it is taken, and nothing is loaded');
  const edited = await scene();
  const folder = join(edited.thief.directory, 'targets/index');
  for (const name of await readdir(folder)) {
    const index = JSON.parse(await readFile(join(folder, name), 'utf8')) as object;
    await writeFile(join(folder, name), JSON.stringify({ ...index, ...more }));
  }
  assert.deepEqual(await harmless(edited), ['target-mismatch', 'target-mismatch']);
});

test('he can show a host that never saw the recall the time before it, until what release keys signed then expires; no other', async () => {
  const { thief, root, seasoned, fresh } = await scene();
  const bins = Object.entries((await thief.newest('snapshot')).signed.meta!).filter(([name]) =>
    name.startsWith('modules-'),
  );
  await thief.list(Object.fromEntries(bins.map(([name]) => [name.replace('.json', ''), 1])));
  await assert.rejects(poll(thief.directory, root, seasoned), { code: 'metadata-rollback' });
  const before = await poll(thief.directory, root, fresh);
  assert.deepEqual([before.number, before.recalls], [null, []], 'an archive without releases: he delays');
  const forGood = { ...fresh, memory: { ...fresh.memory, recalled: [2] } };
  assert.deepEqual((await poll(thief.directory, root, forGood)).recalls, [2], 'what a host has seen recalled stays so');
});

test('once his keys are replaced hosts go on, also where he drove the versions up', async () => {
  const { home, place, thief, root, seasoned } = await scene();
  const { signed } = await thief.read('timestamp.json');
  const bytes = await thief.write('timestamp.json', { ...signed, version: 2 ** 50 }, 'timestamp');
  await poll(thief.directory, root, seasoned);
  await refreshArchive(place);
  await assert.rejects(poll(place.directory, root, seasoned), { code: 'metadata-rollback' });
  const replace = [];
  for (const role of ['timestamp', 'snapshot', 'rollout'] as const)
    replace.push({ role, key: await holderKey(home, 'keys', `${role}-2`) });
  for (const role of ['timestamp', 'snapshot', 'rollout']) await rm(join(place.keys, `${role}.pem`));
  const proposal = await proposeKeys(await readState(place.directory), { ...NO_CHANGES, replace }, new Date());
  const { change } = await signPending(proposal, await Keyring.of(place));
  await applyChange(place, change);
  assert.equal((await poll(place.directory, root, seasoned)).number, 3);
  await writeFile(join(place.directory, 'metadata/timestamp.json'), bytes);
  await assert.rejects(poll(place.directory, root, seasoned), { code: 'metadata-unsigned' });
});
