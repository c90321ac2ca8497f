import { randomUUID } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Clock, exists, makeFolders, readLimited, syncFolder, writeAtomic } from '#host';
import { verifySignature } from '#trust';
import { commit, onlineSigners } from '../commit.ts';
import { ArchiveError } from '../error.ts';
import { common, seal } from '../metadata.ts';
import { type ArchivePlace, Keyring, locked } from '../place.ts';
import { type ArchiveState, authorityOf, binNames, listTargets, readRole, readState, targetFile } from '../state.ts';
import { readRootFile, type VerifiedArchive, verifyArchive } from '../verify.ts';
import { type ReadParts, readParts, writeParts } from './format.ts';

const MAX_METADATA_BYTES = 32 << 20;

/**
 * The files of an archive as of its newest timestamp, each after all that it names: in this order a mirror can be written, and is an
 * archive at every instant. All roots are among them: a host may be at any of them.
 */
export async function currentFiles(state: ArchiveState): Promise<string[]> {
  const targets = await listTargets(state);
  const roles: string[] = [];
  for (const role of [...binNames(state.bins), 'rollout', 'modules', 'targets'])
    roles.push(`metadata/${(await readRole(state, role)).signed.version}.${role}.json`);
  const version = state.root.signed.version;
  return [
    ...[...targets].map(([path, entry]) => targetFile(path, entry)),
    ...roles,
    `metadata/${state.snapshot.signed.version}.snapshot.json`,
    ...Array.from({ length: version }, (_, at) => `metadata/${at + 1}.root.json`),
    'metadata/timestamp.json',
  ];
}

/** Longest time for which a site without a network is left to itself. */
const MAX_DAYS = 60;

/**
 * Writes an archive as one file, signed by the timestamp role. `days`: how long hosts at the other site believe it without a newer one;
 * null: as long as here, a day. With more, a snapshot and timestamp of their own are signed for the file, and followed here by others at
 * once. Errors: archive-broken, key-missing, key-mismatch, terms-invalid, disk-full.
 */
export async function exportArchive(
  place: ArchivePlace,
  file: string,
  days: number | null = null,
): Promise<{ bytes: number; files: number }> {
  if (days !== null && (!Number.isSafeInteger(days) || days < 1 || days > MAX_DAYS))
    throw new ArchiveError('terms-invalid', 'input', { what: `1 to ${MAX_DAYS} days are possible` });
  return locked(place, async () => {
    const keyring = await Keyring.of(place);
    if (days !== null) await extend(await readState(place.directory), keyring, place.clock.now(), days);
    const state = await readState(place.directory);
    const signers = await keyring.need('timestamp', authorityOf(state, 'timestamp'));
    const names = await currentFiles(state);
    const source = { folder: place.directory, names, made: place.clock.now() };
    const bytes = await writeParts(file, source, (head) =>
      Promise.all(signers.map(async (signer) => ({ keyid: signer.keyid, sig: await signer.sign(head) }))),
    );
    if (days !== null) await commit(state, new Map(), await onlineSigners(state, keyring), place.clock.now());
    return { bytes, files: names.length };
  });
}

/** Snapshot, timestamp and rollout that are valid for so long. */
async function extend(state: ArchiveState, keyring: Keyring, now: Date, days: number): Promise<void> {
  const { signed } = await readRole(state, 'rollout');
  const signers = await keyring.need('rollout', authorityOf(state, 'rollout'));
  const rollout = await seal({ ...signed, ...common('rollout', signed.version + 1, now, days) }, signers);
  await commit(state, new Map([['rollout', rollout]]), await onlineSigners(state, keyring), now, days);
}

export interface ImportedArchive extends VerifiedArchive {
  readonly made: string;
  /** Files that were not there before. */
  readonly added: number;
}

/**
 * Takes such a file into an archive that is served here. Unpacked beside it, verified from the root that this site trusts (`root`; null:
 * that of the archive here) and against what it had before, by the client that hosts run; only then are the files moved, the timestamp last.
 * Errors: transfer-unreadable, transfer-untrusted, verify-failed, those of the client; then the archive here is what it was.
 */
export async function importArchive(
  place: { readonly directory: string; readonly clock: Clock },
  file: string,
  root: Buffer | null,
): Promise<ImportedArchive> {
  const { directory, clock } = place;
  const isNew = !(await exists(join(directory, 'metadata/timestamp.json')));
  if (isNew && root === null)
    throw new ArchiveError('archive-missing', 'input', {
      what: 'there is no archive here yet, so nothing says whom to trust',
      where: directory,
      remedy: 'give the root.json that the other site handed over by a way of its own: --root FILE',
    });
  await makeFolders(directory);
  return locked(place, async () => {
    await removeLeftOvers(directory);
    const staging = join(directory, `.import-${randomUUID()}`);
    try {
      await makeFolders(staging, 0o700);
      const parts = await readParts(file, staging);
      const trusted = root ?? (await readRootFile(directory));
      const verified = await verifyArchive(staging, clock, trusted, isNew ? undefined : directory);
      const state = await readState(staging);
      requireSignedHead(parts, state, file);
      const added = await moveIn(await currentFiles(state), staging, directory, file);
      return { ...verified, made: parts.made.toISOString(), added };
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  });
}

async function removeLeftOvers(directory: string): Promise<void> {
  for (const name of await readdir(directory))
    if (/^\.import-[0-9a-f-]{36}$/.test(name)) await rm(join(directory, name), { recursive: true, force: true });
}

/** Errors: transfer-untrusted. */
function requireSignedHead({ head, signatures }: ReadParts, state: ArchiveState, file: string): void {
  const { keys, keyids, threshold } = authorityOf(state, 'timestamp');
  const good = signatures.filter(
    ({ keyid, sig }) => keyids.includes(keyid) && keys[keyid] !== undefined && verifySignature(keys[keyid], head, sig),
  );
  if (new Set(good.map(({ keyid }) => keyid)).size >= threshold) return;
  throw new ArchiveError('transfer-untrusted', 'untrusted', {
    what: 'the list of the file is not signed by the archive it holds; nothing of it was used',
    where: file,
    remedy: 'copy it anew from the site that exported it',
  });
}

/** In the order of `currentFiles`. What is there already stays; the same name with other bytes is another archive. Returns how many came. */
async function moveIn(names: readonly string[], from: string, to: string, file: string): Promise<number> {
  const coming: string[] = [];
  for (const name of names) {
    if (name === 'metadata/timestamp.json' || !(await exists(join(to, name)))) coming.push(name);
    else if (name.startsWith('metadata/') && !(await same(join(from, name), join(to, name))))
      throw new ArchiveError('transfer-untrusted', 'untrusted', {
        what: `${name} is here already, with another content; nothing was changed`,
        where: file,
        remedy: 'this is another archive than the one here, or somebody wrote into it: find out which',
      });
  }
  for (const name of coming) {
    const target = join(to, name);
    await makeFolders(dirname(target));
    if (name === 'metadata/timestamp.json') {
      const newest = names.findLast((one) => one.endsWith('.root.json'))!;
      await writeAtomic(join(to, 'root.json'), await readLimited(join(to, newest), MAX_METADATA_BYTES));
    }
    await rename(join(from, name), target);
    await syncFolder(dirname(target));
  }
  return coming.length;
}

async function same(one: string, other: string): Promise<boolean> {
  const [a, b] = [await readLimited(one, MAX_METADATA_BYTES), await readLimited(other, MAX_METADATA_BYTES)];
  return a.equals(b);
}
