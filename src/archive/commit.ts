import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { writeAtomic } from '#host';
import { ISSUED_FIELD, verifySignature } from '#trust';
import { ArchiveError } from './error.ts';
import {
  bytesOf,
  common,
  dateTime,
  payloadOf,
  type Sealed,
  type Signer,
  type SnapshotSigned,
  seal,
  type TargetEntry,
  type TargetsSigned,
  type TimestampSigned,
} from './metadata.ts';
import type { Keyring } from './place.ts';
import { type ArchiveState, authorityOf, binOf, metadataPath, readRole, targetFile } from './state.ts';

const CLOCK_SLACK_MS = 300_000;
/** Names of targets are ours; one outside this set would be written another way by another client. */
const TARGET_PATH = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;

/** One file of the archive: its path as the metadata names it, and what goes with it. */
export interface NewTarget {
  readonly path: string;
  readonly content: Buffer;
  readonly custom?: Readonly<Record<string, unknown>>;
}

/** New versions of targets roles, by role. Written in this order: what names others comes last. */
export type RoleEdits = ReadonlyMap<string, Sealed<TargetsSigned>>;

export interface OnlineSigners {
  readonly snapshot: readonly Signer[];
  readonly timestamp: readonly Signer[];
}

/** Errors: key-mismatch, key-missing, key-locked. */
export async function onlineSigners(state: ArchiveState, keyring: Keyring): Promise<OnlineSigners> {
  return {
    snapshot: await keyring.need('snapshot', authorityOf(state, 'snapshot')),
    timestamp: await keyring.need('timestamp', authorityOf(state, 'timestamp')),
  };
}

export async function writeMetadata(directory: string, name: string, sealed: Sealed): Promise<Buffer> {
  const bytes = bytesOf(sealed);
  await writeAtomic(metadataPath(directory, name), bytes);
  return bytes;
}

/** Writes the files of targets, and gives their entries. They are named by nobody yet. Errors: name-invalid. */
export async function writeTargets(
  directory: string,
  targets: readonly NewTarget[],
): Promise<ReadonlyMap<string, TargetEntry>> {
  const entries = new Map<string, TargetEntry>();
  for (const { path, content, custom } of targets) {
    if (!TARGET_PATH.test(path))
      throw new ArchiveError('name-invalid', 'input', { what: 'this can be no name of a target', where: path });
    const sha256 = createHash('sha256').update(content).digest('hex');
    const entry = { length: content.length, hashes: { sha256 }, ...(custom === undefined ? {} : { custom }) };
    await writeAtomic(join(directory, targetFile(path, entry)), content);
    entries.set(path, entry);
  }
  return entries;
}

/**
 * The next version of each bin that these targets fall into, unsigned; the bin of the last target comes last. Only these have to be signed.
 */
export async function editBins(
  state: ArchiveState,
  entries: ReadonlyMap<string, TargetEntry>,
  now: Date,
): Promise<ReadonlyMap<string, TargetsSigned>> {
  const byBin = new Map<string, Record<string, TargetEntry>>();
  for (const [path, entry] of entries) {
    const bin = binOf(state.bins, path);
    const added = byBin.get(bin) ?? {};
    byBin.delete(bin);
    byBin.set(bin, { ...added, [path]: entry });
  }
  const edited = new Map<string, TargetsSigned>();
  for (const [bin, added] of byBin) {
    const { signed } = await readRole(state, bin);
    edited.set(bin, { ...nextOf(signed, now), targets: { ...signed.targets, ...added } });
  }
  return edited;
}

/** The same content in the next version, valid anew. */
export function nextOf(
  signed: TargetsSigned,
  now: Date,
  role: 'targets' | 'modules' | 'rollout' = 'modules',
): TargetsSigned {
  return { ...signed, ...common(role, signed.version + 1, now) };
}

export async function sealRoles(
  roles: ReadonlyMap<string, TargetsSigned>,
  signers: readonly Signer[],
): Promise<Map<string, Sealed<TargetsSigned>>> {
  const sealed = new Map<string, Sealed<TargetsSigned>>();
  for (const [role, signed] of roles) sealed.set(role, await seal(signed, signers));
  return sealed;
}

/**
 * Publishes new versions of roles: their files first, then a snapshot that lists them, and the timestamp last. A kill at any instant
 * leaves the old archive or the new one, both valid. `days`: how long snapshot and timestamp are valid. Errors: clock-behind, signer-failed, those of writing.
 */
export async function commit(
  state: ArchiveState,
  edits: RoleEdits,
  signers: OnlineSigners,
  now: Date,
  days?: number,
): Promise<void> {
  requireClock(state, now);
  for (const [role, sealed] of edits)
    await writeMetadata(state.directory, `${sealed.signed.version}.${role}.json`, sealed);
  const version = state.snapshot.signed.version + 1;
  const listed = [...edits].map(([role, { signed }]) => [`${role}.json`, { version: signed.version }]);
  const meta = { ...state.snapshot.signed.meta, ...Object.fromEntries(listed) };
  const snapshot: SnapshotSigned = { _type: 'snapshot', ...common('snapshot', version, now, days), meta };
  const bytes = await writeMetadata(
    state.directory,
    `${version}.snapshot.json`,
    await seal(snapshot, signers.snapshot),
  );
  const next = { version: state.timestamp.signed.version + 1, days };
  await writeTimestamp(state.directory, next, { version, bytes }, signers.timestamp, now);
}

export async function writeTimestamp(
  directory: string,
  { version, days }: { readonly version: number; readonly days?: number | undefined },
  snapshot: { readonly version: number; readonly bytes: Buffer },
  signers: readonly Signer[],
  now: Date,
): Promise<void> {
  const { bytes } = snapshot;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const timestamp: TimestampSigned = {
    _type: 'timestamp',
    ...common('timestamp', version, now, days),
    meta: { 'snapshot.json': { version: snapshot.version, length: bytes.length, hashes: { sha256 } } },
    // No host that has seen it takes the time for earlier, whatever its clock says.
    [ISSUED_FIELD]: dateTime(now.getTime()),
  };
  await writeMetadata(directory, 'timestamp.json', await seal(timestamp, signers));
}

/**
 * Hosts hold what is signed now against the time that was signed before: behind it, they would refuse everything. Not, where the
 * key of the timestamp has been replaced since: then hosts forget that time (TUF 1.0, 5.3.11). Errors: clock-behind.
 */
export function requireClock(state: ArchiveState, now: Date): void {
  const issued = state.timestamp.signed[ISSUED_FIELD];
  if (typeof issued !== 'string' || !(Date.parse(issued) > now.getTime() + CLOCK_SLACK_MS)) return;
  if (!isSigned(state.timestamp, authorityOf(state, 'timestamp'))) return;
  throw new ArchiveError('clock-behind', 'input', {
    what: `the clock says ${now.toISOString()}, and the archive was signed at ${issued} already; nothing was published`,
    where: state.directory,
    remedy:
      'set the clock of this machine; where it was the earlier one that was wrong, replace the timestamp key: "tuxtape archive root propose --replace timestamp=NEW.pub"',
  });
}

/** Do enough of these keys stand under it? For our own files; hosts count by `requireSigned` of #trust. */
export function isSigned(
  { signed, signatures }: Sealed,
  { keys, keyids, threshold }: ReturnType<typeof authorityOf>,
): boolean {
  const data = payloadOf(signed);
  const good = signatures.filter(
    ({ keyid, sig }) => keyids.includes(keyid) && keys[keyid] !== undefined && verifySignature(keys[keyid], data, sig),
  );
  return new Set(good.map(({ keyid }) => keyid)).size >= threshold;
}
