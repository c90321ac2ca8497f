import * as z from 'zod';
import { hasCode } from '#domain';
import { readLimited, writeOutput } from '#host';
import { countSigners, parseAuthority, readDocument } from '#trust';
import { ArchiveError } from '../error.ts';
import {
  bytesOf,
  type KeyRole,
  keyRoles,
  payloadOf,
  type RootSigned,
  type Sealed,
  type Signed,
  seal,
  type TargetsSigned,
} from '../metadata.ts';
import type { Keyring } from '../place.ts';
import {
  type ArchiveState,
  type Authority,
  type AuthoritySource,
  authorityOf,
  binNames,
  keysOfRoles,
} from '../state.ts';

const FORMAT = 'tuxtape-archive-change/1';
const MAX_CHANGE_BYTES = 256 << 20;
const MAX_DOCUMENTS = 70_000;

/** What the archive said when the change was proposed: what the change is held against when it is applied. */
export interface Base {
  readonly root: Sealed<RootSigned>;
  readonly targets: Sealed<TargetsSigned>;
  readonly modules: Sealed<TargetsSigned>;
}

export interface PendingDocument {
  readonly role: string;
  readonly sealed: Sealed<RootSigned | TargetsSigned>;
}

/**
 * A change that waits for signatures: new versions of roles, in the order in which they are written. It is one file, carried from one
 * holder of keys to the next; each adds signatures, on a machine that needs no archive and no network.
 */
export interface PendingChange {
  readonly format: typeof FORMAT;
  readonly made: string;
  /** Null: a new archive. */
  readonly base: Base | null;
  readonly documents: readonly PendingDocument[];
}

const sealedSchema = z.strictObject({
  signatures: z.array(z.strictObject({ keyid: z.string().max(128), sig: z.string().max(8_192) })).max(64),
  signed: z.looseObject({ _type: z.enum(['root', 'targets']), version: z.number().int().positive() }),
});
const pendingSchema = z.strictObject({
  format: z.literal(FORMAT),
  made: z.iso.datetime(),
  base: z.nullable(z.strictObject({ root: sealedSchema, targets: sealedSchema, modules: sealedSchema })),
  documents: z
    .array(z.strictObject({ role: z.string().regex(/^[a-z]+(?:-[0-9a-f]{1,8})?$/), sealed: sealedSchema }))
    .min(1)
    .max(MAX_DOCUMENTS),
});

export function pendingChange(base: Base | null, documents: readonly PendingDocument[], now: Date): PendingChange {
  return { format: FORMAT, made: now.toISOString(), base, documents };
}

export function baseOf({ root, targets, modules }: ArchiveState): Base {
  return { root, targets, modules };
}

/** Reads a change that came from elsewhere; each document has to be one that a host would read. Errors: change-invalid. */
export async function readPending(file: string): Promise<PendingChange> {
  try {
    const found = pendingSchema.parse(JSON.parse((await readLimited(file, MAX_CHANGE_BYTES)).toString('utf8')));
    const change = found as unknown as PendingChange;
    for (const { role, sealed } of change.documents) {
      readDocument(role === 'root' ? 'root' : 'targets', bytesOf(sealed), `${role}.json`);
    }
    if (new Set(change.documents.map(({ role }) => role)).size < change.documents.length)
      throw new TypeError('a role stands in it twice');
    requireBase(change);
    requireAnswers(change);
    return change;
  } catch (cause) {
    if (hasCode(cause, 'change-invalid')) throw cause;
    throw new ArchiveError('change-invalid', 'untrusted', {
      what: 'this is no change of an archive',
      where: file,
      remedy: 'take the file that "tuxtape archive root propose" or --propose wrote, unchanged',
      cause,
    });
  }
}

/**
 * What a change says that was before has to be signed as a host would ask for it: whoever knows the root then knows the rest. Whether it
 * is the root, only who has a copy of it can tell (`requireRoot`). Errors: change-invalid.
 */
function requireBase({ base }: PendingChange): void {
  if (base === null) return;
  const source = { ...base, directory: 'the base of the change' };
  for (const role of ['root', 'targets', 'modules'] as const) {
    if (countOf(base[role], authorityOf(source, role)) >= authorityOf(source, role).threshold) continue;
    throw new ArchiveError('change-invalid', 'untrusted', {
      what: `what the change says of role "${role}" before it is not signed`,
      remedy: 'whoever made this file made it up: sign nothing of it',
    });
  }
}

/** Every question that is asked of a change later has an answer: each role has somebody who delegates to it. */
function requireAnswers(change: PendingChange): void {
  for (const { role } of change.documents) olderOf(change, role);
  pendingRoles(change);
  keyDifferences(change);
}

/** The change is of the archive of this root, as a holder keeps a copy of it. Errors: change-invalid. */
export function requireRoot({ base }: PendingChange, root: Buffer, where: string): void {
  try {
    const { signed } = JSON.parse(root.toString('utf8')) as Sealed<RootSigned>;
    if (base !== null && payloadOf(base.root.signed).equals(payloadOf(signed))) return;
  } catch {
    // Not a root: not the one of the change either.
  }
  throw new ArchiveError('change-invalid', 'untrusted', {
    what: 'the change is not one of the archive of this root',
    where,
    remedy: 'compare the two with the other holders by a way of your own, and sign nothing until you know',
  });
}

export async function writePending(file: string, change: PendingChange): Promise<void> {
  await writeOutput(file, `${JSON.stringify(change)}\n`);
}

function documentOf<S extends Signed>({ documents }: PendingChange, role: string): Sealed<S> | undefined {
  return documents.find((one) => one.role === role)?.sealed as Sealed<S> | undefined;
}

/** The roles as they are after the change. Errors: change-invalid. */
export function viewOf(change: PendingChange): AuthoritySource {
  const root = documentOf<RootSigned>(change, 'root') ?? change.base?.root;
  const targets = documentOf<TargetsSigned>(change, 'targets') ?? change.base?.targets;
  const modules = documentOf<TargetsSigned>(change, 'modules') ?? change.base?.modules;
  if (root !== undefined && targets !== undefined && modules !== undefined)
    return { root, targets, modules, directory: 'the change' };
  throw new ArchiveError('change-invalid', 'untrusted', { what: 'the change lacks a role that it needs' });
}

/** Who has to sign a document: all of these. A root has to be signed as the one before it and as it says itself (TUF 1.0, 5.3.4). */
function authoritiesOf(change: PendingChange, role: string): Authority[] {
  const now = authorityOf(viewOf(change), role);
  const { base } = change;
  return role === 'root' && base !== null ? [authorityOf({ ...base, directory: '' }, 'root'), now] : [now];
}

/** Those who signed before the change sign as well where they can: so a host between two versions finds what it knows. */
function olderOf({ base }: PendingChange, role: string): Authority[] {
  return base === null ? [] : [authorityOf({ ...base, directory: '' }, role)];
}

/** Adds the signatures of all keys at hand that may sign. Returns the change, and how many signatures are new. Errors: key-locked, signer-failed. */
export async function signPending(
  change: PendingChange,
  keyring: Keyring,
): Promise<{ change: PendingChange; added: number }> {
  let added = 0;
  const documents: PendingDocument[] = [];
  for (const { role, sealed } of change.documents) {
    const signers = await keyring.all(...authoritiesOf(change, role), ...olderOf(change, role));
    const known = new Set(sealed.signatures.map(({ keyid }) => keyid));
    added += signers.filter(({ keyid }) => !known.has(keyid)).length;
    documents.push({ role, sealed: await seal(sealed.signed, signers, sealed.signatures) });
  }
  return { change: { ...change, documents }, added };
}

/** What a role still needs; bins are one with `modules`. */
export interface PendingRole {
  readonly role: string;
  readonly documents: number;
  readonly version: number;
  readonly have: number;
  readonly need: number;
  /** Keys that may sign and have not, by id. */
  readonly open: readonly string[];
}

/** How far the signing is, role by role. */
export function pendingRoles(change: PendingChange): PendingRole[] {
  const rows = new Map<string, PendingRole>();
  const bins = viewOf(change).modules.signed.delegations?.succinct_roles;
  const binSet = new Set(bins === undefined ? [] : binNames(bins));
  for (const { role, sealed } of change.documents) {
    const name = binSet.has(role) ? 'modules (bins)' : role;
    for (const authority of authoritiesOf(change, role)) {
      const have = countOf(sealed, authority);
      const signed = new Set(sealed.signatures.map(({ keyid }) => keyid));
      const open = authority.keyids.filter((keyid) => !signed.has(keyid));
      const before = rows.get(name);
      // The least of all documents counts: one that lacks a signature is not signed.
      const worst = before === undefined || have - authority.threshold < before.have - before.need;
      const documents = (before?.documents ?? 0) + (role === 'root' && before !== undefined ? 0 : 1);
      const row = worst
        ? { role: name, version: sealed.signed.version, have, need: authority.threshold, open }
        : before;
      rows.set(name, { ...row, documents });
    }
  }
  return [...rows.values()];
}

/** Signatures that are good, by the client's own count. */
function countOf(sealed: Sealed<RootSigned | TargetsSigned>, { keyids, threshold, keys }: Authority): number {
  const { _type } = sealed.signed;
  const document = readDocument(_type, bytesOf(sealed), `${_type}.json`);
  return countSigners(document, parseAuthority(keys, { keyids, threshold }, 'the keys of the change'));
}

/** Errors: change-incomplete. */
export function requireComplete(change: PendingChange): void {
  const lacking = pendingRoles(change).filter(({ have, need }) => have < need);
  if (lacking.length === 0) return;
  throw new ArchiveError('change-incomplete', 'input', {
    what: `signatures are missing: ${lacking.map(({ role, have, need }) => `${role} has ${have} of ${need}`).join(', ')}; nothing was changed`,
    remedy: 'let the other holders sign the file: "tuxtape archive root sign FILE --keys DIR"',
  });
}

/** The change is of what the archive is now. Errors: change-outdated. */
export function requireCurrent(
  change: PendingChange,
  state: ArchiveState,
  versions: ReadonlyMap<string, number>,
): void {
  const { base } = change;
  const same = (one: Sealed | undefined, other: Sealed): boolean =>
    one !== undefined && payloadOf(one.signed).equals(payloadOf(other.signed));
  const current =
    same(base?.root, state.root) && same(base?.targets, state.targets) && same(base?.modules, state.modules);
  const next = change.documents.every(({ role, sealed }) => sealed.signed.version === (versions.get(role) ?? 0) + 1);
  if (current && next) return;
  throw new ArchiveError('change-outdated', 'input', {
    what: 'the archive is not what it was when the change was proposed; nothing was changed',
    where: state.directory,
    remedy: 'propose it again, and have it signed again',
  });
}

/** The keys of a role after a change, and how they differ. `before` null: there was no such role. */
export interface KeyDifference {
  readonly role: KeyRole;
  readonly stay: readonly string[];
  readonly gone: readonly string[];
  readonly come: readonly string[];
  readonly before: number | null;
  readonly after: number;
}

/** What a change comes to, role by role. All of them: who made the change made up what was before it, too, for all a reader knows. */
export function keyDifferences(change: PendingChange): KeyDifference[] {
  const after = keysOfRoles(viewOf(change));
  const before = change.base === null ? null : keysOfRoles({ ...change.base, directory: '' });
  return keyRoles.map((role) => {
    const [old, now] = [before?.[role], after[role]];
    const known = old?.keyids ?? [];
    const gone = known.filter((keyid) => !now.keyids.includes(keyid));
    const come = now.keyids.filter((keyid) => !known.includes(keyid));
    const stay = now.keyids.filter((keyid) => known.includes(keyid));
    return { role, stay, gone, come, before: old?.threshold ?? null, after: now.threshold };
  });
}
