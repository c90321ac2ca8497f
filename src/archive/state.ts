import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { exists, readLimited } from '#host';
import { ArchiveError } from './error.ts';
import type {
  BinRoles,
  KeyRole,
  PublicKey,
  RoleKeys,
  RootSigned,
  Sealed,
  Signed,
  SnapshotSigned,
  TargetEntry,
  TargetsSigned,
  TimestampSigned,
} from './metadata.ts';

const MAX_METADATA_BYTES = 32 << 20;
/** Bins are made in memory; our own archives use 64 (`DEFAULT_BIN_BITS`). */
export const MAX_BIN_BITS = 14;

/** The archive as it is on disk, seen from its own newest timestamp. */
export interface ArchiveState {
  readonly directory: string;
  readonly root: Sealed<RootSigned>;
  readonly timestamp: Sealed<TimestampSigned>;
  readonly snapshot: Sealed<SnapshotSigned>;
  readonly targets: Sealed<TargetsSigned>;
  readonly modules: Sealed<TargetsSigned>;
  readonly bins: BinRoles;
}

export function metadataPath(directory: string, name: string): string {
  return join(directory, 'metadata', name);
}

/** Errors: archive-missing, archive-broken. */
export async function readState(directory: string): Promise<ArchiveState> {
  if (!(await exists(metadataPath(directory, 'timestamp.json'))))
    throw new ArchiveError('archive-missing', 'input', {
      what: 'there is no archive here',
      where: directory,
      remedy: 'make one with "tuxtape archive init"',
    });
  const root = await readMetadata<RootSigned>(directory, `${await newestRoot(directory)}.root.json`);
  const timestamp = await readMetadata<TimestampSigned>(directory, 'timestamp.json');
  const version = timestamp.signed.meta['snapshot.json'].version;
  const snapshot = await readMetadata<SnapshotSigned>(directory, `${version}.snapshot.json`);
  const targets = await readListed(directory, snapshot, 'targets');
  const modules = await readListed(directory, snapshot, 'modules');
  const bins = modules.signed.delegations?.succinct_roles;
  if (bins === undefined)
    throw new ArchiveError('archive-broken', 'input', { what: 'the archive has no hash bins', where: directory });
  return { directory, root, timestamp, snapshot, targets, modules, bins };
}

async function newestRoot(directory: string): Promise<number> {
  const names = new Set(await readdir(join(directory, 'metadata')));
  // As hosts do, one after the other (TUF 1.0, 5.3): what lies behind a gap is nobody's root.
  let version = 1;
  while (names.has(`${version + 1}.root.json`)) version += 1;
  return version;
}

/** A metadata file of ours. Its form is what this program wrote; hosts check every part of it. Errors: archive-broken. */
export async function readMetadata<S extends Signed>(directory: string, name: string): Promise<Sealed<S>> {
  const file = metadataPath(directory, name);
  try {
    const sealed = JSON.parse((await readLimited(file, MAX_METADATA_BYTES)).toString('utf8')) as Sealed<S>;
    if (typeof sealed.signed !== 'object' || !Array.isArray(sealed.signatures)) throw new TypeError('it is not signed');
    return sealed;
  } catch (error) {
    throw new ArchiveError('archive-broken', 'input', {
      what: 'a metadata file cannot be read',
      where: file,
      remedy: 'restore the archive from a copy',
      cause: error,
    });
  }
}

async function readListed(
  directory: string,
  { signed }: Sealed<SnapshotSigned>,
  role: string,
): Promise<Sealed<TargetsSigned>> {
  const listed = signed.meta[`${role}.json`];
  if (listed !== undefined) return readMetadata(directory, `${listed.version}.${role}.json`);
  throw new ArchiveError('archive-broken', 'input', {
    what: `the snapshot does not list role "${role}"`,
    where: directory,
    remedy: 'restore the archive from a copy; one that an older TuxTape made has to be made anew',
  });
}

/** A targets role of today's snapshot: a bin, `rollout`, `modules` or `targets`. */
export function readRole(state: ArchiveState, role: string): Promise<Sealed<TargetsSigned>> {
  return readListed(state.directory, state.snapshot, role);
}

/** Where the public keys that may sign a role are listed, and how many of them it takes. */
export interface Authority extends RoleKeys {
  readonly keys: Readonly<Record<string, PublicKey>>;
}

/** Errors: archive-broken. */
export function authorityOf({ root, targets, modules, directory }: AuthoritySource, role: string): Authority {
  const { keys, roles } = root.signed;
  if (Object.hasOwn(roles, role)) return { ...roles[role as keyof typeof roles], keys };
  const named = targets.signed.delegations?.roles?.find(({ name }) => name === role);
  if (named !== undefined) return { ...named, keys: targets.signed.delegations!.keys };
  const bins = modules.signed.delegations?.succinct_roles;
  if (bins !== undefined && binNames(bins).includes(role)) return { ...bins, keys: modules.signed.delegations!.keys };
  throw new ArchiveError('archive-broken', 'us', { what: `nobody delegates to role "${role}"`, where: directory });
}

export type AuthoritySource = Pick<ArchiveState, 'root' | 'targets' | 'modules' | 'directory'>;

/** The keys of each kind of role, as people speak of them. */
export function keysOfRoles(state: AuthoritySource): Record<KeyRole, Authority> {
  const of = (role: KeyRole): Authority => authorityOf(state, role);
  return {
    root: of('root'),
    targets: of('targets'),
    modules: of('modules'),
    rollout: of('rollout'),
    snapshot: of('snapshot'),
    timestamp: of('timestamp'),
  };
}

const names = new Map<string, readonly string[]>();

/** TAP 15: PREFIX-HEX, as many digits as the last one needs. */
export function binNames({ bit_length: bits, name_prefix: prefix }: BinRoles): readonly string[] {
  const key = `${prefix}/${bits}`;
  const known = names.get(key);
  if (known !== undefined) return known;
  if (!Number.isSafeInteger(bits) || bits < 1 || bits > MAX_BIN_BITS)
    throw new ArchiveError('archive-broken', 'input', { what: `2 to ${2 ** MAX_BIN_BITS} hash bins are possible` });
  const digits = (2 ** bits - 1).toString(16).length;
  const made = Array.from({ length: 2 ** bits }, (_, at) => `${prefix}-${at.toString(16).padStart(digits, '0')}`);
  names.set(key, made);
  return made;
}

/** The bin that a path falls into: the first bits of its hash. */
export function binOf(bins: BinRoles, path: string): string {
  const head = createHash('sha256').update(path).digest().readUInt32BE();
  return binNames(bins)[Math.floor(head / 2 ** (32 - bins.bit_length))]!;
}

/** A target lies under its content's hash (TUF 1.0, 6.2, consistent snapshots), so that it never replaces another. */
export function targetFile(path: string, { hashes }: TargetEntry): string {
  return posix.join('targets', posix.dirname(path), `${hashes.sha256}.${posix.basename(path)}`);
}

/** A target's content, by the metadata of today; undefined when there is no such target. `role`: default its bin. */
export async function readTarget(
  state: ArchiveState,
  path: string,
  role: string = binOf(state.bins, path),
): Promise<Buffer | undefined> {
  const entry = (await readRole(state, role)).signed.targets[path];
  if (entry === undefined) return undefined;
  return readLimited(join(state.directory, targetFile(path, entry)), entry.length);
}

/** Every target of the archive, by path. */
export async function listTargets(state: ArchiveState): Promise<Map<string, TargetEntry>> {
  const all = new Map<string, TargetEntry>();
  for (const role of ['rollout', ...binNames(state.bins)]) {
    for (const [path, target] of Object.entries((await readRole(state, role)).signed.targets)) all.set(path, target);
  }
  return all;
}
