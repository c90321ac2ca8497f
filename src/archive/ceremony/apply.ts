import { join } from 'node:path';
import { exists, makeFolders, writeAtomic } from '#host';
import {
  commit,
  isSigned,
  nextOf,
  type OnlineSigners,
  requireClock,
  writeMetadata,
  writeTimestamp,
} from '../commit.ts';
import { ArchiveError } from '../error.ts';
import {
  bytesOf,
  common,
  type RootSigned,
  type Sealed,
  type Signer,
  type SnapshotSigned,
  seal,
  type TargetsSigned,
} from '../metadata.ts';
import { type ArchivePlace, Keyring, locked } from '../place.ts';
import { type ArchiveState, type AuthoritySource, authorityOf, readRole, readState } from '../state.ts';
import { emptyTargets } from './documents.ts';
import { type PendingChange, requireComplete, requireCurrent, viewOf } from './pending.ts';

/**
 * Puts a change that was signed into the archive, with the online keys; a change without a base makes a new archive. Errors:
 * change-incomplete, change-outdated, archive-exists, key-missing, key-mismatch, clock-behind.
 */
export async function applyChange(place: ArchivePlace, change: PendingChange): Promise<void> {
  requireComplete(change);
  const keyring = await Keyring.of(place);
  if (change.base === null) return create(place, change, keyring);
  await locked(place, async () => {
    const state = await readState(place.directory);
    requireCurrent(change, state, await versionsOf(state, change));
    await applyTo(state, change, keyring, place.clock.now());
  });
}

async function versionsOf(state: ArchiveState, change: PendingChange): Promise<Map<string, number>> {
  const versions = new Map([['root', state.root.signed.version]]);
  for (const { role } of change.documents)
    if (role !== 'root') versions.set(role, (await readRole(state, role)).signed.version);
  return versions;
}

async function applyTo(state: ArchiveState, change: PendingChange, keyring: Keyring, now: Date): Promise<void> {
  const view = viewOf(change);
  const signers = await rotatingSigners(state, view, keyring);
  const after = { ...state, ...view, directory: state.directory };
  requireClock(after, now);
  const edits = editsOf(change);
  const rollout = await readRole(state, 'rollout');
  if (!isSigned(rollout, authorityOf(view, 'rollout'))) {
    const next = await seal(nextOf(rollout.signed, now, 'rollout'), await bothOf(state, view, 'rollout', keyring));
    edits.set('rollout', next);
  }
  const root = rootOf(change);
  // What the root leads to is there before it, and unknown until the timestamp.
  for (const [role, sealed] of edits)
    await writeMetadata(state.directory, `${sealed.signed.version}.${role}.json`, sealed);
  if (root !== undefined) await writeRoot(state.directory, root);
  await commit(after, edits, signers, now);
}

/** The new keys as many as it takes, and the old ones that are here: a host that has not seen the new root yet goes on. */
async function bothOf(state: ArchiveState, view: AuthoritySource, role: string, keyring: Keyring): Promise<Signer[]> {
  const needed = await keyring.need(role, authorityOf(view, role));
  const old = await keyring.all(authorityOf(state, role));
  return [...new Map([...old, ...needed].map((one) => [one.keyid, one])).values()];
}

async function rotatingSigners(state: ArchiveState, view: AuthoritySource, keyring: Keyring): Promise<OnlineSigners> {
  return {
    snapshot: await bothOf(state, view, 'snapshot', keyring),
    timestamp: await bothOf(state, view, 'timestamp', keyring),
  };
}

function editsOf({ documents }: PendingChange): Map<string, Sealed<TargetsSigned>> {
  const roles = documents.filter(({ role }) => role !== 'root');
  return new Map(roles.map(({ role, sealed }) => [role, sealed as Sealed<TargetsSigned>]));
}

function rootOf({ documents }: PendingChange): Sealed<RootSigned> | undefined {
  return documents.find(({ role }) => role === 'root')?.sealed as Sealed<RootSigned> | undefined;
}

async function writeRoot(directory: string, root: Sealed<RootSigned>): Promise<void> {
  await writeMetadata(directory, `${root.signed.version}.root.json`, root);
  // What new hosts are set up with.
  await writeAtomic(join(directory, 'root.json'), bytesOf(root));
}

async function create({ directory, clock }: ArchivePlace, change: PendingChange, keyring: Keyring): Promise<void> {
  const view = viewOf(change);
  const now = clock.now();
  const signers = {
    rollout: await keyring.need('rollout', authorityOf(view, 'rollout')),
    snapshot: await keyring.need('snapshot', authorityOf(view, 'snapshot')),
    timestamp: await keyring.need('timestamp', authorityOf(view, 'timestamp')),
  };
  await makeFolders(directory);
  await locked({ directory }, async () => {
    await requireNone(directory);
    const edits = editsOf(change);
    edits.set('rollout', await seal(emptyTargets('rollout', now), signers.rollout));
    for (const [role, sealed] of edits) await writeMetadata(directory, `1.${role}.json`, sealed);
    const meta = Object.fromEntries([...edits.keys()].map((role) => [`${role}.json`, { version: 1 }]));
    const snapshot: SnapshotSigned = { _type: 'snapshot', ...common('snapshot', 1, now), meta };
    const bytes = await writeMetadata(directory, '1.snapshot.json', await seal(snapshot, signers.snapshot));
    await writeRoot(directory, rootOf(change)!);
    await writeTimestamp(directory, { version: 1 }, { version: 1, bytes }, signers.timestamp, now);
  });
}

/** Errors: archive-exists. One without a timestamp was never finished: it is made over. */
export async function requireNone(directory: string): Promise<void> {
  if (!(await exists(join(directory, 'metadata/timestamp.json')))) return;
  throw new ArchiveError('archive-exists', 'input', {
    what: 'there is an archive here already',
    where: directory,
    remedy: 'name another folder; an archive is never overwritten',
  });
}
