import { createHash } from 'node:crypto';
import { canonicalize } from '@tufjs/canonical-json';
import { ISSUED_FIELD } from '#trust';

/** Roles with keys of their own. `modules` signs what a host may load; `rollout`, `snapshot` and `timestamp` are the online ones. */
export const keyRoles = ['root', 'targets', 'modules', 'rollout', 'snapshot', 'timestamp'] as const;
export type KeyRole = (typeof keyRoles)[number];
export const topRoles = ['root', 'targets', 'snapshot', 'timestamp'] as const;
export type TopRole = (typeof topRoles)[number];

const SPEC_VERSION = '1.0.31';
const DAY_MS = 86_400_000;

/** How many days a signature of each role is valid: the rarer its key is used, the longer. */
export const lifetimeDays: Readonly<Record<KeyRole, number>> = {
  root: 365,
  targets: 365,
  modules: 90,
  rollout: 7,
  snapshot: 7,
  timestamp: 1,
};

/** A public key as metadata lists it (TUF 1.0, 4.2.2). */
export interface PublicKey {
  readonly keytype: string;
  readonly scheme: string;
  readonly keyval: { readonly public: string };
}

/** Signs for one key, wherever that is; the key itself stays there. */
export interface Signer {
  readonly keyid: string;
  readonly key: PublicKey;
  /** Hex. Errors: signer-failed. */
  sign(data: Buffer): Promise<string>;
}

export interface RoleKeys {
  readonly keyids: readonly string[];
  readonly threshold: number;
}

interface Common {
  readonly spec_version: string;
  readonly version: number;
  readonly expires: string;
}

export interface RootSigned extends Common {
  readonly _type: 'root';
  readonly consistent_snapshot: true;
  readonly keys: Readonly<Record<string, PublicKey>>;
  readonly roles: Readonly<Record<TopRole, RoleKeys>>;
}

export interface TargetEntry {
  readonly length: number;
  readonly hashes: { readonly sha256: string };
  readonly custom?: Readonly<Record<string, unknown>>;
}

export interface NamedRole extends RoleKeys {
  readonly name: string;
  readonly paths: readonly string[];
  readonly terminating: boolean;
}

/** TAP 15. */
export interface BinRoles extends RoleKeys {
  readonly bit_length: number;
  readonly name_prefix: string;
}

export interface Delegations {
  readonly keys: Readonly<Record<string, PublicKey>>;
  readonly roles?: readonly NamedRole[];
  readonly succinct_roles?: BinRoles;
}

export interface TargetsSigned extends Common {
  readonly _type: 'targets';
  readonly targets: Readonly<Record<string, TargetEntry>>;
  readonly delegations?: Delegations;
}

export interface SnapshotSigned extends Common {
  readonly _type: 'snapshot';
  readonly meta: Readonly<Record<string, { readonly version: number }>>;
}

export interface TimestampSigned extends Common {
  readonly _type: 'timestamp';
  readonly meta: {
    readonly 'snapshot.json': {
      readonly version: number;
      readonly length: number;
      readonly hashes: { sha256: string };
    };
  };
  readonly [ISSUED_FIELD]: string;
}

export type Signed = RootSigned | TargetsSigned | SnapshotSigned | TimestampSigned;

export interface Signature {
  readonly keyid: string;
  /** Hex. */
  readonly sig: string;
}

/** A metadata file. Plain data and not the classes of @tufjs/models: those are quadratic in the targets of a role (ADR 24). */
export interface Sealed<S extends Signed = Signed> {
  readonly signatures: readonly Signature[];
  readonly signed: S;
}

/** What signatures are made over. Keys of our objects are ASCII, so the order of UTF-16 is that of code points. */
export function payloadOf(signed: Signed): Buffer {
  return Buffer.from(canonicalize(signed));
}

/** sha256 of the canonical JSON of the public part (TUF 1.0, 4.2.2). */
export function keyIdOf(key: PublicKey): string {
  const { keytype, scheme, keyval } = key;
  return createHash('sha256').update(canonicalize({ keytype, scheme, keyval })).digest('hex');
}

export function bytesOf(sealed: Sealed): Buffer {
  return Buffer.from(JSON.stringify(sealed));
}

/** Signs with each of the signers; signatures that are there already of other keys stay. Errors: signer-failed. */
export async function seal<S extends Signed>(
  signed: S,
  signers: readonly Signer[],
  before: readonly Signature[] = [],
): Promise<Sealed<S>> {
  const data = payloadOf(signed);
  const made: Signature[] = [];
  for (const signer of signers) made.push({ keyid: signer.keyid, sig: await signer.sign(data) });
  const others = before.filter(({ keyid }) => !made.some((one) => one.keyid === keyid));
  return { signatures: [...others, ...made], signed };
}

/** In the one form of TUF 1.0, 4.2.3. */
export function dateTime(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** `days`: for how long; default what the role has. */
export function common(role: KeyRole, version: number, now: Date, days: number = lifetimeDays[role]): Common {
  const expires = dateTime(now.getTime() + days * DAY_MS);
  return { spec_version: SPEC_VERSION, version, expires };
}
