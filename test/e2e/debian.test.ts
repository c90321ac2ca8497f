/**
 * Kernels of Debian, which we did not build: is each given fix missing from the older source and in the newer one, and is
 * what we predict from a configuration what Debian's own build has in its debug information?
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { CveId, Proof, Verdict } from '#domain';
import { predictProfile, readDebugProfile, readKernelConfig, sourceFiles } from '#kernel';
import { cacheRoot } from './prepare/cache.ts';
import { type Cli, cliIn, failing } from './prepare/cli.ts';
import { cloudConfig, cloudDebug, source176 } from './prepare/cloud.ts';
import { source61, sourceOr } from './prepare/kernels.ts';
import { sharedFeeds, sharedFixes } from './prepare/shared.ts';

/** Fixes that the source rung leaves open in 6.1.176, and why; the version says fixed, so that stands. */
const EXPLAINED: Readonly<Record<CveId, string>> = {
  'CVE-2026-46146':
    'the fix renames __snd_usb_add_audio_stream itself, so its lines stand in a function of another name',
  'CVE-2026-46174': 'the source renames init_amd_zn, so that the lines stand in a function of another name',
};

const fixes = sharedFixes();
const cache = cacheRoot();
let data: string;
let tuxtape: Cli;

before(async () => {
  data = await mkdtemp(join(tmpdir(), 'tuxtape-e2e-'));
  tuxtape = cliIn(data, join(data, 'kernels'));
});
after(() => rm(data, { recursive: true, force: true }));

test('a given fix is missing from 6.1.170 and in 6.1.176, by the source itself', {
  skip: fixes === undefined && '../shared is not there: no fixes',
}, async (t) => {
  const [older, newer] = [await sourceOr(t, () => source61(cache)), await sourceOr(t, () => source176(cache))];
  if (!older?.version.startsWith('6.1.170') || !newer?.version.startsWith('6.1.176'))
    return t.skip('the registry has no such sources any more');
  const feeds = (await sharedFeeds(cache))!;
  await tuxtape('feed', 'sync', '--lore', feeds.lore, '--vulns', feeds.vulns);
  const debug = await cloudDebug(cache);
  await tuxtape('kernel', 'import', 'newer', '--debug', debug.directory, '--complete', '--source', newer.directory);
  await importedConfig(older.directory);
  const given = JSON.parse(await readFile(join(fixes!, 'index.json'), 'utf8')) as { cve: CveId }[];
  const cves = [...new Set(given.map(({ cve }) => cve))];
  const outcomes = {
    older: await sourceOutcomes('older', cves),
    newer: await sourceOutcomes('newer', cves),
  };
  assert.deepEqual(
    cves.filter((cve) => outcomes.older.get(cve) !== 'vulnerable'),
    [],
    'each is missing from 6.1.170',
  );
  const open = cves.filter((cve) => outcomes.newer.get(cve) !== 'fixed');
  for (const cve of open) console.log(`  ${cve} is ${outcomes.newer.get(cve)} in 6.1.176: ${EXPLAINED[cve] ?? '?'}`);
  assert.deepEqual(open.toSorted(), Object.keys(EXPLAINED).toSorted());
  await verdictsAre('older', cves, (verdict) => verdict.status !== 'fixed');
  await verdictsAre('newer', cves, (verdict) => verdict.status === 'fixed');
  console.log(`  ${cves.length} fixes: all missing from 6.1.170, ${cves.length - open.length} seen in 6.1.176`);
});

/** Debian's configuration on the older source: refused first, with every difference, then accepted. */
async function importedConfig(source: string): Promise<void> {
  const config = await cloudConfig(cache);
  const words = ['kernel', 'import', 'older', '--config', config, '--source', source];
  const refusal = await failing(tuxtape(...words));
  assert.equal(refusal.error.code, 'config-would-change', 'it was written for another version');
  const toolchain = join(cache, 'toolchain/trixie');
  await tuxtape('toolchain', 'make', toolchain);
  const prepared = [...words, '--chroot', toolchain];
  const changed = (await failing(tuxtape(...prepared))) as unknown as {
    error: { code: string; what: string };
  };
  assert.equal(changed.error.code, 'config-would-change', 'olddefconfig changes it');
  console.log(`  ${changed.error.what}`);
  await tuxtape(...prepared, '--accept-config-changes');
}

async function sourceOutcomes(kernel: string, cves: readonly CveId[]): Promise<Map<CveId, string>> {
  const { outcomes } = (await tuxtape(
    'triage',
    '--kernel',
    kernel,
    'prove',
    ...cves,
    '--fixes',
    fixes!,
    '--max-objects',
    '0',
  )) as { outcomes: { cve: CveId; proof: Proof | null; code?: string }[] };
  return new Map(outcomes.map(({ cve, proof, code }) => [cve, proof?.source.outcome ?? code ?? '']));
}

async function verdictsAre(
  kernel: string,
  cves: readonly CveId[],
  holds: (verdict: Verdict) => boolean,
): Promise<void> {
  for (const [status, count] of await counted(kernel)) console.log(`  ${kernel}: ${count} ${status}`);
  const exported = (await tuxtape('triage', '--kernel', kernel, 'export', '--format', 'json')) as {
    verdicts: Verdict[];
  };
  const verdicts = new Map(exported.verdicts.map((verdict) => [verdict.cve, verdict]));
  assert.deepEqual(
    cves.filter((cve) => !holds(verdicts.get(cve)!)),
    [],
  );
}

/** Counts by status and the rung that decided. */
async function counted(kernel: string): Promise<[string, number][]> {
  const { counts } = (await tuxtape('triage', '--kernel', kernel, '--limit', '1')) as {
    counts: { status: string; rung: string; count: number }[];
  };
  const by = new Map<string, number>();
  for (const { status, rung, count } of counts) {
    const key = `${status} by ${rung}`;
    by.set(key, (by.get(key) ?? 0) + count);
  }
  return [...by].toSorted(([a], [b]) => a.localeCompare(b));
}

test("what is predicted from Debian's cloud configuration is what Debian built", async (t) => {
  const source = await sourceOr(t, () => source176(cache));
  if (!source?.version.startsWith('6.1.176')) return t.skip('the registry has no such source any more');
  const config = await readKernelConfig(await cloudConfig(cache));
  const predicted = await predictProfile({ source: source.directory, config, arch: 'x86_64' });
  const { profile } = await readDebugProfile({
    directory: (await cloudDebug(cache)).directory,
    sources: await sourceFiles(source.directory),
    complete: true,
  });
  const built = [...profile.files.keys()].filter((path) => predicted.sources.has(path));
  const leftOut = built.filter((path) => predicted.predictions.get(path)?.state === 'left-out');
  assert.deepEqual(leftOut, [], 'no built file is predicted off');
  const sources = new Set(profile.objects.map((object) => object.source).filter((path) => predicted.sources.has(path)));
  const found = [...sources].filter((path) => predicted.predictions.get(path)?.state === 'built').length;
  console.log(`  ${found} of the ${sources.size} compiled sources are predicted built, the rest is unknown`);
  assert.ok(found / sources.size > 0.97);
});
