/**
 * An archive of several kernels with thousands of releases: publishing the next one, signing one bin, and what a host reads. The metadata
 * is that of so many releases, with entries made up; the files of a release are written for those that are published here.
 * Baselines of the same run: an empty archive; and the classes of @tufjs/models, which wrote our archives before (ADR 24).
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { argv } from 'node:process';
import { Metadata, MetadataKind, Signature } from '@tufjs/models';
import { type ArchivePlace, initArchive, Keyring, publishLivepatch, readState } from '#archive';
import { indexPath, releasePath } from '#domain';
import { systemClock } from '#host';
import { openArchive } from '#trust';
import { commit, editBins, onlineSigners, sealRoles } from '../src/archive/commit.ts';
import type { TargetEntry } from '../src/archive/metadata.ts';
import { authorityOf, binNames, readRole } from '../src/archive/state.ts';
import { bundle } from '../testkit/archive.ts';
import { serveFolder } from '../testkit/static-server.ts';
import { type Measured, machine, measure, median, withFolder } from './measure.ts';

const KERNELS = 6;
const RELEASES = 1_000;
const FILES = ['change.patch', 'recipe.json', 'gate.dsse.json', 'provenance.json', 'approval-jane.json'];
const RUNS = 3;
/** Targets of one role for the baseline, which is quadratic in them. */
const ONE_ROLE = 4_000;
const BUILD_ID = createHash('sha1').update('kernel 0').digest('hex');

function placeOf(home: string): ArchivePlace & { readonly keys: string } {
  return { directory: join(home, 'archive'), keys: join(home, 'keys'), clock: systemClock };
}

function entryOf(path: string): TargetEntry {
  return { length: 1_000, hashes: { sha256: createHash('sha256').update(path).digest('hex') } };
}

/** The entries of all releases, as if they had been published. */
function allEntries(): Map<string, TargetEntry> {
  const entries = new Map<string, TargetEntry>();
  for (let kernel = 0; kernel < KERNELS; kernel += 1) {
    const buildId = createHash('sha1').update(`kernel ${kernel}`).digest('hex');
    for (let number = 1; number <= RELEASES; number += 1) {
      const moduleName = `tuxtape_${number}`;
      const path = releasePath({ buildId, number }, `${moduleName}.ko`);
      const mark = { buildId, kernelRelease: '6.1.170', moduleName, number };
      entries.set(path, { ...entryOf(path), custom: { release: mark } });
      for (const name of FILES) {
        const file = releasePath({ buildId, number }, name);
        entries.set(file, entryOf(file));
      }
    }
  }
  return entries;
}

async function fill(place: ArchivePlace): Promise<number> {
  const state = await readState(place.directory);
  const keyring = await Keyring.of(place);
  const entries = allEntries();
  const bins = await editBins(state, entries, new Date());
  const signers = await keyring.need('modules', authorityOf(state, 'modules'));
  await commit(state, await sealRoles(bins, signers), await onlineSigners(state, keyring), new Date());
  return entries.size;
}

/** One step in a process of its own, so that its memory is its own. Prints the seconds of processor that it took, without the start. */
async function timed(name: string, home: string, more: string): Promise<void> {
  const before = process.cpuUsage();
  await step(name, home, more);
  const { user, system } = process.cpuUsage(before);
  console.log((user + system) / 1e6);
}

async function step(name: string, home: string, more: string): Promise<void> {
  const place = placeOf(home);
  if (name === 'publish') await publishLivepatch(place, bundle('tuxtape_next', BUILD_ID));
  if (name === 'bin') {
    const state = await readState(place.directory);
    const [bin] = binNames(state.bins);
    const signers = await (await Keyring.of(place)).need('modules', authorityOf(state, 'modules'));
    await sealRoles(new Map([[bin!, (await readRole(state, bin!)).signed]]), signers);
  }
  if (name === 'host') {
    const root = await readFile(join(place.directory, 'root.json'));
    const archive = await openArchive({ url: more, root, state: join(home, 'host') });
    await archive.read(indexPath(BUILD_ID), 4 << 20);
  }
  if (name === 'plain' || name === 'models') await oneRole(name, place);
}

/** Reads and signs one role of `ONE_ROLE` targets: by us, and by the classes of the library. */
async function oneRole(how: 'plain' | 'models', place: ArchivePlace): Promise<void> {
  const state = await readState(place.directory);
  const signers = await (await Keyring.of(place)).need('modules', authorityOf(state, 'modules'));
  const { signed } = await readRole(state, binNames(state.bins)[0]!);
  const text = JSON.stringify({
    signatures: [],
    signed: { ...signed, targets: Object.fromEntries([...allEntries()].slice(0, ONE_ROLE)) },
  });
  if (how === 'plain') {
    await sealRoles(new Map([['one', (JSON.parse(text) as { signed: typeof signed }).signed]]), signers);
    return;
  }
  const metadata = Metadata.fromJSON(MetadataKind.Targets, JSON.parse(text) as never);
  metadata.sign(() => new Signature({ keyID: signers[0]!.keyid, sig: '00' }));
  JSON.stringify(metadata.toJSON());
}

/** `seconds`: of processor, as other programs at work change the time on the clock. */
async function run(name: string, home: string, more = ''): Promise<Measured> {
  const found = await measure('node', [import.meta.filename, name, home, more]);
  return { ...found, seconds: Number(found.stdout) };
}

function report(what: string, { seconds, peakMib }: Measured, baseline?: { name: string; seconds: number }): void {
  const ratio = baseline === undefined ? '' : `, ${(seconds / baseline.seconds).toFixed(1)} × ${baseline.name}`;
  console.log(`${what}: ${(seconds * 1000).toFixed(0)} ms of CPU, peak ${peakMib.toFixed(0)} MiB${ratio}`);
}

async function bench(bits: number): Promise<void> {
  await withFolder(async (home) => {
    const [empty, full] = [join(home, 'empty'), join(home, 'full')];
    await initArchive(placeOf(empty), { bits });
    await initArchive(placeOf(full), { bits });
    const targets = await fill(placeOf(full));
    console.log(`\n${2 ** bits} bins, ${targets} targets: about ${Math.round(targets / 2 ** bits)} a bin`);
    report('start of the program (for its memory)', await median(RUNS, () => run('nothing', empty)));
    const one = await median(RUNS, () => run('publish', empty));
    report('publish into an empty archive', one);
    const baseline = { name: 'the empty archive', seconds: one.seconds };
    report(
      `publish release ${RELEASES + 1} of one of ${KERNELS} kernels`,
      await median(RUNS, () => run('publish', full)),
      baseline,
    );
    report('read and sign one bin', await median(RUNS, () => run('bin', full)));
    await using server = await serveFolder(placeOf(full).directory);
    await using small = await serveFolder(placeOf(empty).directory);
    const alone = await run('host', empty, small.url);
    report('a host’s first look at the empty archive', alone);
    const compared = { name: 'the empty archive', seconds: alone.seconds };
    report('a host’s first look at the full one', await run('host', full, server.url), compared);
    const before = server.requests.length;
    report('its next look', await median(RUNS, () => run('host', full, server.url)), compared);
    console.log(`requests of a look with nothing new: ${(server.requests.length - before) / RUNS}`);
  });
}

async function library(): Promise<void> {
  await withFolder(async (home) => {
    await initArchive(placeOf(home), { bits: 1 });
    const ours = await median(RUNS, () => run('plain', home));
    report(`\none role of ${ONE_ROLE} targets, read and signed by us`, ours);
    report('the same by @tufjs/models', await run('models', home), { name: 'ours', seconds: ours.seconds });
  });
}

const [name, home = '', more = ''] = argv.slice(2);
if (name !== undefined) await timed(name, home, more);
else {
  console.log(`archive, ${machine()}; ${KERNELS} kernels x ${RELEASES} releases`);
  for (const bits of [6, 10]) await bench(bits);
  await library();
}
