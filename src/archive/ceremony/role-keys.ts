import { ArchiveError } from '../error.ts';
import { type KeyRole, keyIdOf, keyRoles, type PublicKey } from '../metadata.ts';
import type { Authority } from '../state.ts';

/** Keys that lie on a server. One that is also trusted offline would make the offline role worth as little. */
const ONLINE: ReadonlySet<KeyRole> = new Set(['rollout', 'snapshot', 'timestamp']);

/** What shall become of the keys of an archive. */
export interface KeyChanges {
  readonly add: readonly { readonly role: KeyRole; readonly key: PublicKey }[];
  /** `keyid`: whole, or its first letters. */
  readonly remove: readonly { readonly role: KeyRole; readonly keyid: string }[];
  /** All keys of the role go, this one comes. */
  readonly replace: readonly { readonly role: KeyRole; readonly key: PublicKey }[];
  readonly thresholds: readonly { readonly role: KeyRole; readonly threshold: number }[];
  /** Roles that are signed anew, also where their keys stay: against expiry. */
  readonly renew: readonly KeyRole[];
}

export const NO_CHANGES: KeyChanges = { add: [], remove: [], replace: [], thresholds: [], renew: [] };

export type RoleAuthorities = Readonly<Record<KeyRole, Authority>>;

export const noKeys: RoleAuthorities = Object.fromEntries(
  keyRoles.map((role) => [role, { keyids: [], threshold: 1, keys: {} }]),
) as unknown as RoleAuthorities;

/** The keys of each role after a change. Errors: change-invalid. */
export function changedKeys(before: RoleAuthorities, changes: KeyChanges): RoleAuthorities {
  const after = Object.fromEntries(
    keyRoles.map((role) => [role, changedRole(role, before[role], changes)]),
  ) as unknown as RoleAuthorities;
  for (const online of ONLINE) {
    for (const role of keyRoles) {
      const shared = after[role].keyids.find((keyid) => after[online].keyids.includes(keyid));
      if (!ONLINE.has(role) && shared !== undefined)
        throw invalid(`key ${shared.slice(0, 12)} would be both of "${role}" and of the online role "${online}"`);
    }
  }
  return after;
}

function changedRole(role: KeyRole, before: Authority, changes: KeyChanges): Authority {
  const replaced = changes.replace.filter((one) => one.role === role);
  const keys = new Map(replaced.length > 0 ? [] : before.keyids.map((keyid) => [keyid, before.keys[keyid]!]));
  for (const one of changes.remove.filter((item) => item.role === role)) {
    const found = [...keys.keys()].filter((keyid) => keyid.startsWith(one.keyid));
    if (one.keyid === '' || found.length !== 1)
      throw invalid(`role "${role}" has ${found.length} keys that start with "${one.keyid.slice(0, 64)}"`);
    keys.delete(found[0]!);
  }
  for (const { key } of [...replaced, ...changes.add.filter((one) => one.role === role)]) keys.set(keyIdOf(key), key);
  const threshold = changes.thresholds.findLast((one) => one.role === role)?.threshold ?? before.threshold;
  if (!Number.isSafeInteger(threshold) || threshold < 1 || threshold > keys.size)
    throw invalid(`role "${role}" would have ${keys.size} keys, of which ${threshold} have to sign`);
  return { keyids: [...keys.keys()], threshold, keys: Object.fromEntries(keys) };
}

export function sameKeys(one: Authority, other: Authority): boolean {
  const words = ({ keyids, threshold }: Authority): string => JSON.stringify([threshold, keyids.toSorted()]);
  return words(one) === words(other);
}

export function invalid(what: string): ArchiveError {
  return new ArchiveError('change-invalid', 'input', { what: `${what}; nothing was changed` });
}
