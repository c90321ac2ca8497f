import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { Metadata, MetadataKind, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp } from '@tufjs/models';
import { Delegations } from '@tufjs/models/dist/delegations.js';
import { Role, SuccinctRoles } from '@tufjs/models/dist/role.js';
import { exists, readLimited, writeAtomic } from '#host';
import { ISSUED_FIELD } from '#trust';
import { ArchiveError } from './error.ts';
import { type KeyRole, keyRoles, type RoleSigner } from './keys.ts';

const SPEC_VERSION = '1.0.31';
const MAX_METADATA_BYTES = 32 << 20;
/**
 * 64 bins: with five targets a release and at most 200 targets a bin they hold 2,500 releases. An agent reads two bins;
 * the number can never change, because a bin that vanishes from the snapshot is an attack (TUF 1.0, 5.5.5).
 */
const BIN_BITS = 6;
const BIN_PREFIX = 'modules';
const DAY_MS = 86_400_000;
const CLOCK_SLACK_MS = 300_000;

/** How long each role's signature is valid: the rarer the key is used, the longer. */
const LIFETIME_DAYS = { root: 365, targets: 365, modules: 90, snapshot: 7, timestamp: 1 } as const satisfies Record<
  KeyRole,
  number
>;

export type Signers = Readonly<Record<Exclude<KeyRole, 'root'>, RoleSigner>>;

/** One file of the archive: its path as the metadata names it, and what goes with it. */
export interface NewTarget {
  readonly path: string;
  readonly content: Buffer;
  readonly custom?: Readonly<Record<string, unknown>>;
}

function dateTime(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
}

function expires(role: KeyRole, now: Date): string {
  return dateTime(now.getTime() + LIFETIME_DAYS[role] * DAY_MS);
}

function binRoles(keyID: string): SuccinctRoles {
  return new SuccinctRoles({ keyIDs: [keyID], threshold: 1, bitLength: BIN_BITS, namePrefix: BIN_PREFIX });
}

/** Makes a new, empty archive: root, targets with its hash bins, snapshot, timestamp. Errors: archive-exists. */
export async function initRepository(directory: string, root: RoleSigner, signers: Signers, now: Date): Promise<void> {
  if (await exists(join(directory, 'metadata'))) {
    throw new ArchiveError('archive-exists', 'input', {
      what: 'there is an archive here already',
      where: directory,
      remedy: 'name another folder; an archive is never overwritten',
    });
  }
  const signed = new Root({
    version: 1,
    specVersion: SPEC_VERSION,
    expires: expires('root', now),
    consistentSnapshot: true,
    keys: {},
    roles: emptyRoles(),
  });
  for (const role of keyRoles) {
    if (role !== 'modules') signed.addKey(role === 'root' ? root.key : signers[role].key, role);
  }
  const bins = binRoles(signers.modules.key.keyID);
  const delegations = new Delegations({
    keys: { [signers.modules.key.keyID]: signers.modules.key },
    succinctRoles: bins,
  });
  const targets = new Targets({ version: 1, specVersion: SPEC_VERSION, expires: expires('targets', now), delegations });
  const meta: Record<string, MetaFile> = { 'targets.json': new MetaFile({ version: 1 }) };
  for (const bin of bins.getRoles()) {
    const empty = new Targets({ version: 1, specVersion: SPEC_VERSION, expires: expires('modules', now) });
    await writeSigned(directory, `1.${bin}.json`, empty, signers.modules);
    meta[`${bin}.json`] = new MetaFile({ version: 1 });
  }
  await writeSigned(directory, '1.targets.json', targets, signers.targets);
  const snapshot = new Snapshot({ version: 1, specVersion: SPEC_VERSION, expires: expires('snapshot', now), meta });
  await writeSigned(directory, '1.snapshot.json', snapshot, signers.snapshot);
  const rootBytes = await writeSigned(directory, '1.root.json', signed, root);
  await writeAtomic(join(directory, 'root.json'), rootBytes);
  await writeTimestamp(directory, 1, 1, signers.timestamp, now);
}

function emptyRoles(): Record<string, Role> {
  return Object.fromEntries(
    ['root', 'targets', 'snapshot', 'timestamp'].map((role) => [role, new Role({ keyIDs: [], threshold: 1 })]),
  );
}

async function writeSigned(
  directory: string,
  name: string,
  signed: Root | Targets | Snapshot | Timestamp,
  signer: RoleSigner,
): Promise<Buffer> {
  const metadata = new Metadata(signed);
  metadata.sign((data) => signer.sign(data));
  const bytes = Buffer.from(JSON.stringify(metadata.toJSON()));
  await writeAtomic(join(directory, 'metadata', name), bytes);
  return bytes;
}

async function writeTimestamp(
  directory: string,
  version: number,
  snapshotVersion: number,
  signer: RoleSigner,
  now: Date,
): Promise<void> {
  const timestamp = new Timestamp({
    version,
    specVersion: SPEC_VERSION,
    expires: expires('timestamp', now),
    snapshotMeta: new MetaFile({ version: snapshotVersion }),
    // No host that has seen it takes the time for earlier, whatever its clock says.
    unrecognizedFields: { [ISSUED_FIELD]: dateTime(now.getTime()) },
  });
  await writeSigned(directory, 'timestamp.json', timestamp, signer);
}

/** The archive as it is on disk, seen from its own newest timestamp. */
export interface RepositoryState {
  readonly timestamp: Timestamp;
  readonly snapshot: Snapshot;
  readonly bins: SuccinctRoles;
  readonly modulesKeyId: string;
}

/** Errors: archive-missing, archive-broken. */
export async function readRepository(directory: string): Promise<RepositoryState> {
  if (!(await exists(join(directory, 'metadata/timestamp.json')))) {
    throw new ArchiveError('archive-missing', 'input', {
      what: 'there is no archive here',
      where: directory,
      remedy: 'make one with "tuxtape archive init"',
    });
  }
  const timestamp = Metadata.fromJSON(MetadataKind.Timestamp, await readJson(directory, 'timestamp.json')).signed;
  const snapshot = Metadata.fromJSON(
    MetadataKind.Snapshot,
    await readJson(directory, `${timestamp.snapshotMeta.version}.snapshot.json`),
  ).signed;
  const targetsVersion = snapshot.meta['targets.json']?.version;
  const { delegations } = Metadata.fromJSON(
    MetadataKind.Targets,
    await readJson(directory, `${targetsVersion}.targets.json`),
  ).signed;
  const bins = delegations?.succinctRoles;
  const modulesKeyId = bins?.keyIDs[0];
  if (bins === undefined || modulesKeyId === undefined)
    throw new ArchiveError('archive-broken', 'input', { what: 'the archive has no hash bins', where: directory });
  return { timestamp, snapshot, bins, modulesKeyId };
}

type JsonObject = Parameters<typeof Root.fromJSON>[0];

async function readJson(directory: string, name: string): Promise<JsonObject> {
  const file = join(directory, 'metadata', name);
  try {
    return JSON.parse((await readLimited(file, MAX_METADATA_BYTES)).toString('utf8')) as JsonObject;
  } catch (error) {
    throw new ArchiveError('archive-broken', 'input', {
      what: 'a metadata file cannot be read',
      where: file,
      remedy: 'restore the archive from a copy',
      cause: error,
    });
  }
}

/** Targets of one bin, in today's snapshot. */
export async function readBin(directory: string, state: RepositoryState, bin: string): Promise<Targets> {
  const version = state.snapshot.meta[`${bin}.json`]?.version;
  return Metadata.fromJSON(MetadataKind.Targets, await readJson(directory, `${version}.${bin}.json`)).signed;
}

/**
 * Adds targets: files first, then the bins they fall into, a new snapshot, and the timestamp last. A kill at any instant
 * leaves the old archive or the new one, both valid. Errors: key-mismatch, archive-broken, clock-behind.
 */
export async function addTargets(
  directory: string,
  targets: readonly NewTarget[],
  signers: Signers,
  now: Date,
): Promise<void> {
  const state = await readRepository(directory);
  requireClock(state.timestamp, directory, now);
  if (signers.modules.key.keyID !== state.modulesKeyId) {
    throw new ArchiveError('key-mismatch', 'input', {
      what: "the key is not this archive's key for livepatches",
      where: directory,
      remedy: 'use the keys the archive was made with',
    });
  }
  const byBin = Map.groupBy(targets, ({ path }) => state.bins.getRoleForTarget(path));
  const meta = { ...state.snapshot.meta };
  for (const [bin, added] of byBin) {
    const current = await readBin(directory, state, bin);
    const next = new Targets({
      version: current.version + 1,
      specVersion: SPEC_VERSION,
      expires: expires('modules', now),
      targets: { ...current.targets },
    });
    for (const target of added) next.addTarget(await writeTarget(directory, target));
    await writeSigned(directory, `${next.version}.${bin}.json`, next, signers.modules);
    meta[`${bin}.json`] = new MetaFile({ version: next.version });
  }
  await publishSnapshot(directory, state, meta, signers, now);
}

/** Signs a new snapshot and a new timestamp over what is there: what keeps an archive without news from expiring. */
export async function refreshRepository(
  directory: string,
  signers: Pick<Signers, 'snapshot' | 'timestamp'>,
  now: Date,
): Promise<void> {
  const state = await readRepository(directory);
  requireClock(state.timestamp, directory, now);
  await publishSnapshot(directory, state, state.snapshot.meta, signers, now);
}

async function publishSnapshot(
  directory: string,
  state: RepositoryState,
  meta: Record<string, MetaFile>,
  signers: Pick<Signers, 'snapshot' | 'timestamp'>,
  now: Date,
): Promise<void> {
  const version = state.snapshot.version + 1;
  const snapshot = new Snapshot({ version, specVersion: SPEC_VERSION, expires: expires('snapshot', now), meta });
  await writeSigned(directory, `${version}.snapshot.json`, snapshot, signers.snapshot);
  await writeTimestamp(directory, state.timestamp.version + 1, version, signers.timestamp, now);
}

/** Hosts hold what is signed now against the time that was signed before: behind it, they would refuse everything. */
function requireClock(last: Timestamp, directory: string, now: Date): void {
  const issued = last.unrecognizedFields[ISSUED_FIELD];
  if (typeof issued !== 'string' || !(Date.parse(issued) > now.getTime() + CLOCK_SLACK_MS)) return;
  throw new ArchiveError('clock-behind', 'input', {
    what: `the clock says ${now.toISOString()}, and the archive was signed at ${issued} already`,
    where: directory,
    remedy: 'set the clock of this machine; nothing was published',
  });
}

/** Writes a target under its content's hash (TUF 1.0, 6.2, consistent snapshots), so that it never replaces another. */
async function writeTarget(directory: string, { path, content, custom }: NewTarget): Promise<TargetFile> {
  const hash = createHash('sha256').update(content).digest('hex');
  const file = posix.join('targets', posix.dirname(path), `${hash}.${posix.basename(path)}`);
  await writeAtomic(join(directory, file), content);
  const unrecognizedFields = custom === undefined ? {} : { custom: custom as never };
  return new TargetFile({ path, length: content.length, hashes: { sha256: hash }, unrecognizedFields });
}

/** A target's content, by the metadata of today; undefined when there is no such target. */
export async function readTarget(directory: string, path: string): Promise<Buffer | undefined> {
  const state = await readRepository(directory);
  const target = (await readBin(directory, state, state.bins.getRoleForTarget(path))).targets[path];
  if (target === undefined) return undefined;
  const file = posix.join('targets', posix.dirname(path), `${target.hashes['sha256']}.${posix.basename(path)}`);
  return readLimited(join(directory, file), target.length);
}

/** Every target path of the archive. */
export async function listTargets(directory: string): Promise<Map<string, TargetFile>> {
  const state = await readRepository(directory);
  const all = new Map<string, TargetFile>();
  for (const bin of state.bins.getRoles()) {
    for (const [path, target] of Object.entries((await readBin(directory, state, bin)).targets)) all.set(path, target);
  }
  return all;
}

/** Names of the metadata files, for people. */
export async function metadataFiles(directory: string): Promise<string[]> {
  return (await readdir(join(directory, 'metadata'))).sort();
}
