import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sql } from 'kysely';
import { exerciseOf, type GateRecordV1 } from '#domain';
import { run, sha256 } from '#host';
import { keySigner, provenanceOf, splitSignature } from '#livepatch';
import { signLivepatch } from '#pipeline';
import { addLivepatch, needLivepatch, type Store, setGate } from '#store';
import { addTiny, type KernelSetting, kernelSetting } from '../../../testkit/kernel-adds.ts';
import { makeModule, sampleRecipe } from '../../../testkit/livepatch-module.ts';

const module = makeModule();
const old: GateRecordV1 = {
  version: 1,
  moduleName: 'tuxtape_sample',
  moduleSha256: sha256(module),
  patchSha256: sampleRecipe.patchSha256,
  buildId: sampleRecipe.buildId,
  kernelRelease: '6.1.170',
  engine: 'kpatch',
  startedAt: '2026-11-03T09:00:00.000Z',
  seconds: 13,
  machine: 'qemu',
  checks: [{ name: 'livepatch loads', passed: true, detail: '' }],
  passed: true,
  kernelLog: '',
};

async function livepatchIn(given: KernelSetting): Promise<{ store: Store; directory: string }> {
  const { store } = given;
  const { kernel } = await addTiny(given);
  const directory = join(given.home, 'livepatches/one');
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'module.ko'), module);
  const at = new Date('2026-11-03T09:00:00Z');
  const facts = {
    ...{ moduleName: 'tuxtape_sample', moduleSha256: sha256(module), recipe: sampleRecipe },
    ...{
      toolchain: kernel.toolchain,
      source: null,
      sourceVersion: '6.1.170',
      configSha256: 'd'.repeat(64),
      patches: [],
    },
    ...{ builder: 'urn:tuxtape:builder:local', version: '0', invocationId: 'one', startedAt: at, finishedAt: at },
  };
  await writeFile(join(directory, 'provenance.json'), JSON.stringify(provenanceOf(facts)));
  const made = {
    moduleName: 'tuxtape_sample',
    moduleSha256: sha256(module),
    directory,
    recipe: sampleRecipe,
    builtAt: at,
  };
  await addLivepatch(store.db, { id: 'one', kernelId: kernel.id, ...made });
  return { store, directory };
}

async function signer(folder: string): Promise<ReturnType<typeof keySigner>> {
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const words = ['-x509', '-nodes', '-newkey', 'rsa:2048', '-subj', '/CN=test', '-days', '2'];
  await run('openssl', ['req', ...words, '-keyout', key, '-out', certificate]);
  return keySigner(await readFile(key), await readFile(certificate), 'sha256');
}

test('a gate record of the first TuxTape is read, and claims nothing new', async () => {
  const { store } = await livepatchIn(await kernelSetting());
  await sql`update livepatch set gate = ${JSON.stringify(old)}::jsonb`.execute(store.db);
  const { gate } = await needLivepatch(store.db, 'one');
  assert.deepEqual([gate?.version, gate?.passed, gate?.checks[0]?.outcome], [2, true, 'passed']);
  assert.equal(exerciseOf(gate?.functions ?? []), 'not measured');
});

test('signing changes the bytes, withdraws the proof of the old ones, and renews the provenance', async () => {
  const given = await kernelSetting();
  const { store, directory } = await livepatchIn(given);
  await sql`update livepatch set gate = ${JSON.stringify(old)}::jsonb`.execute(store.db);
  const row = await signLivepatch(store, 'one', await signer(given.home));
  const signed = await readFile(join(directory, 'module.ko'));
  assert.equal(row.gate, null);
  assert.equal(row.moduleSha256, sha256(signed));
  assert.deepEqual(splitSignature(signed).module, module);
  const { subject } = JSON.parse(await readFile(join(directory, 'provenance.json'), 'utf8')) as ReturnType<
    typeof provenanceOf
  >;
  assert.deepEqual(subject, [{ name: 'tuxtape_sample.ko', digest: { sha256: row.moduleSha256 } }]);
});

test('a signer that fails leaves module, proof and provenance as they were', async () => {
  const given = await kernelSetting();
  const { store, directory } = await livepatchIn(given);
  await sql`update livepatch set gate = ${JSON.stringify(old)}::jsonb`.execute(store.db);
  const broken = { ...(await signer(given.home)), sign: () => Promise.reject(new TypeError('the device is gone')) };
  await assert.rejects(signLivepatch(store, 'one', broken), /the device is gone/);
  assert.deepEqual(await readFile(join(directory, 'module.ko')), module);
  assert.notEqual((await needLivepatch(store.db, 'one')).gate, null);
  await assert.rejects(setGate(store.db, 'none', (await needLivepatch(store.db, 'one')).gate!), { code: 'not-found' });
});
