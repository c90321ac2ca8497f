import {
  dateTime,
  dateTimeAt,
  flagAt,
  integerAt,
  listAt,
  malformed,
  objectAt,
  type Place,
  textAt,
  textsAt,
  within,
} from './form.ts';
import { canonicalJson, type Json, type JsonObject, parseJson } from './json.ts';
import { Key } from './key.ts';

/** The field of our own in which an archive says when it signed; an unknown field to everybody else. */
export const ISSUED_FIELD = 'x-tuxtape-issued';
const topRoles = ['root', 'timestamp', 'snapshot', 'targets'] as const;
export type TopRole = (typeof topRoles)[number];

/** Who may sign a role: any `threshold` of these keys. */
export interface Authority {
  readonly keyids: ReadonlySet<string>;
  readonly threshold: number;
  readonly keys: ReadonlyMap<string, Key>;
}

export interface DelegatedRole extends Authority {
  readonly name: string;
  readonly terminating: boolean;
  /** One of both, or neither: then nothing is delegated. */
  readonly paths: readonly string[];
  readonly pathHashPrefixes: readonly string[];
}

/** Hash bins (TAP 15): all of one authority, named by the first bits of the hash of a path. */
export interface HashBins extends Authority {
  readonly bitLength: number;
  readonly namePrefix: string;
}

export type Delegations =
  | { readonly kind: 'roles'; readonly roles: readonly DelegatedRole[] }
  | { readonly kind: 'bins'; readonly bins: HashBins };

/** Hex by algorithm, as it was written; at least one, and all of them have to match. */
export type Digests = ReadonlyMap<string, string>;

export interface FileMeta {
  readonly version: number;
  readonly length: number | undefined;
  readonly digests: Digests | undefined;
}

export interface TargetMeta {
  readonly length: number;
  readonly digests: Digests;
  readonly custom: JsonObject;
}

interface Signed {
  readonly version: number;
  /** Milliseconds since 1970, as `issued`: null where the archive does not say. */
  readonly expires: number;
  readonly issued: number | null;
}

export interface Root extends Signed {
  readonly consistentSnapshot: boolean;
  readonly roles: Readonly<Record<TopRole, Authority>>;
}

export interface Timestamp extends Signed {
  readonly snapshot: FileMeta;
}

export interface Snapshot extends Signed {
  /** By name on the archive, such as `targets.json`. */
  readonly files: ReadonlyMap<string, FileMeta>;
}

export interface Targets extends Signed {
  readonly targets: ReadonlyMap<string, TargetMeta>;
  readonly delegations: Delegations | null;
}

interface Kinds {
  readonly root: Root;
  readonly timestamp: Timestamp;
  readonly snapshot: Snapshot;
  readonly targets: Targets;
}

/** A metadata file that was read, not yet believed: signatures are over `payload`, which has every field that was there. */
export interface Document<T extends Signed = Signed> {
  readonly signed: T;
  readonly payload: Uint8Array;
  readonly signatures: ReadonlyMap<string, string>;
  readonly bytes: Buffer;
}

/** Reads a metadata file of a kind (TUF 1.0, 4.2 to 4.6). `file` names it in errors. Errors: metadata-invalid. */
export function readDocument<K extends TopRole>(kind: K, bytes: Buffer, file: string): Document<Kinds[K]> {
  const place: Place = { file, path: '' };
  const outer = objectAt(parseJson(bytes, file), place);
  const signed = objectAt(outer['signed'], within(place, 'signed'));
  const inSigned = within(place, 'signed');
  if (textAt(signed['_type'], within(inSigned, '_type')) !== kind)
    malformed(within(inSigned, '_type'), `is not "${kind}"`);
  return {
    signed: readers[kind](signed, inSigned),
    payload: Buffer.from(canonicalJson(signed)),
    signatures: readSignatures(outer['signatures'], within(place, 'signatures')),
    bytes,
  };
}

/** TUF 1.0, 4.2.1: "The keyid MUST be unique in the signatures array." */
function readSignatures(value: Json | undefined, place: Place): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [index, item] of listAt(value, place).entries()) {
    const at = within(place, String(index));
    const signature = objectAt(item, at);
    const keyid = textAt(signature['keyid'], within(at, 'keyid'));
    if (found.has(keyid)) malformed(at, 'is a second signature of one key id');
    found.set(keyid, textAt(signature['sig'], within(at, 'sig')));
  }
  return found;
}

const readers: { readonly [K in TopRole]: (signed: JsonObject, place: Place) => Kinds[K] } = {
  root: (signed, place) => {
    const keys = readKeys(signed['keys'], within(place, 'keys'));
    const roles = objectAt(signed['roles'], within(place, 'roles'));
    const authority = (role: TopRole): Authority =>
      readAuthority(roles[role], keys, within(within(place, 'roles'), role));
    const consistent = signed['consistent_snapshot'];
    return {
      ...readCommon(signed, place),
      // Optional, for old metadata (4.3): without it consistent snapshots are not used.
      consistentSnapshot: consistent !== undefined && flagAt(consistent, within(place, 'consistent_snapshot')),
      roles: {
        root: authority('root'),
        timestamp: authority('timestamp'),
        snapshot: authority('snapshot'),
        targets: authority('targets'),
      },
    };
  },
  timestamp: (signed, place) => {
    const meta = objectAt(signed['meta'], within(place, 'meta'));
    const snapshot = readFileMeta(meta['snapshot.json'], within(within(place, 'meta'), 'snapshot.json'));
    return { ...readCommon(signed, place), snapshot };
  },
  snapshot: (signed, place) => ({
    ...readCommon(signed, place),
    files: readMap(signed['meta'], within(place, 'meta'), readFileMeta),
  }),
  targets: (signed, place) => ({
    ...readCommon(signed, place),
    targets: readMap(signed['targets'], within(place, 'targets'), readTarget),
    delegations:
      signed['delegations'] === undefined ? null : readDelegations(signed['delegations'], within(place, 'delegations')),
  }),
};

function readMap<T>(value: Json | undefined, place: Place, read: (item: Json, at: Place) => T): Map<string, T> {
  return new Map(Object.entries(objectAt(value, place)).map(([key, item]) => [key, read(item, within(place, key))]));
}

function readCommon(signed: JsonObject, place: Place): Signed {
  // 4.3: "clients MUST verify that spec_version matches the expected version number": the major one.
  if (!/^1\.\d+(?:\.\d+)?$/.test(textAt(signed['spec_version'], within(place, 'spec_version'))))
    malformed(within(place, 'spec_version'), 'is not a version 1 of the specification');
  const issued = signed[ISSUED_FIELD];
  return {
    version: integerAt(signed['version'], 1, within(place, 'version')),
    expires: dateTimeAt(signed['expires'], within(place, 'expires')),
    issued: (typeof issued === 'string' ? dateTime(issued) : undefined) ?? null,
  };
}

function readKeys(value: Json | undefined, place: Place): Map<string, Key> {
  return readMap(value, place, (item, at) => new Key(objectAt(item, at), at));
}

function readAuthority(value: Json | undefined, keys: ReadonlyMap<string, Key>, place: Place): Authority {
  const role = objectAt(value, place);
  return {
    // A key id that stands twice counts once.
    keyids: new Set(textsAt(role['keyids'], within(place, 'keyids'))),
    threshold: integerAt(role['threshold'], 1, within(place, 'threshold')),
    keys,
  };
}

/** Keys and a role as a publisher holds them, in the terms of a client. Errors: metadata-invalid. */
export function parseAuthority(keys: object, role: object, file: string): Authority {
  const place: Place = { file, path: '' };
  return readAuthority(role as JsonObject, readKeys(keys as JsonObject, place), place);
}

function readFileMeta(value: Json | undefined, place: Place): FileMeta {
  const meta = objectAt(value, place);
  const { length, hashes } = meta;
  return {
    version: integerAt(meta['version'], 1, within(place, 'version')),
    length: length === undefined ? undefined : integerAt(length, 0, within(place, 'length')),
    digests: hashes === undefined ? undefined : readDigests(hashes, within(place, 'hashes')),
  };
}

function readTarget(value: Json, place: Place): TargetMeta {
  const target = objectAt(value, place);
  return {
    length: integerAt(target['length'], 0, within(place, 'length')),
    digests: readDigests(target['hashes'], within(place, 'hashes')),
    custom: target['custom'] === undefined ? {} : objectAt(target['custom'], within(place, 'custom')),
  };
}

function readDigests(value: Json | undefined, place: Place): Digests {
  const found = readMap(value, place, (item, at) => textAt(item, at));
  return found.size > 0 ? found : malformed(place, 'has no hash');
}

function readDelegations(value: Json, place: Place): Delegations {
  const delegations = objectAt(value, place);
  const keys = readKeys(delegations['keys'], within(place, 'keys'));
  const { roles, succinct_roles: bins } = delegations;
  if (roles !== undefined && bins !== undefined) malformed(place, 'has both roles and succinct_roles');
  if (bins !== undefined) return { kind: 'bins', bins: readBins(bins, keys, within(place, 'succinct_roles')) };
  const found = new Map<string, DelegatedRole>();
  for (const [index, item] of listAt(roles, within(place, 'roles')).entries()) {
    const at = within(within(place, 'roles'), String(index));
    const role = readDelegatedRole(item, keys, at);
    // 4.5: "The rolename MUST be unique in the delegations object."
    if (found.has(role.name)) malformed(at, 'has the name of another role');
    found.set(role.name, role);
  }
  // A list, in the order of appearance: an object would put names that are numbers in front.
  return { kind: 'roles', roles: [...found.values()] };
}

function readDelegatedRole(value: Json, keys: ReadonlyMap<string, Key>, place: Place): DelegatedRole {
  const role = objectAt(value, place);
  const { paths, path_hash_prefixes: prefixes, terminating } = role;
  const name = textAt(role['name'], within(place, 'name'));
  if ((topRoles as readonly string[]).includes(name)) malformed(within(place, 'name'), 'is that of a top-level role');
  if (paths !== undefined && prefixes !== undefined) malformed(place, 'has both paths and path_hash_prefixes');
  return {
    ...readAuthority(role, keys, place),
    name,
    terminating: terminating !== undefined && flagAt(terminating, within(place, 'terminating')),
    paths: paths === undefined ? [] : textsAt(paths, within(place, 'paths')),
    pathHashPrefixes: prefixes === undefined ? [] : textsAt(prefixes, within(place, 'path_hash_prefixes')),
  };
}

function readBins(value: Json, keys: ReadonlyMap<string, Key>, place: Place): HashBins {
  const bins = objectAt(value, place);
  const bitLength = integerAt(bins['bit_length'], 1, within(place, 'bit_length'));
  if (bitLength > 32) malformed(within(place, 'bit_length'), 'is more than 32');
  const namePrefix = textAt(bins['name_prefix'], within(place, 'name_prefix'));
  return { ...readAuthority(bins, keys, place), bitLength, namePrefix };
}
