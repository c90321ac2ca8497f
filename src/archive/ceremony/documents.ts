import {
  common,
  type Delegations,
  type PublicKey,
  type RoleKeys,
  type RootSigned,
  type TargetsSigned,
  topRoles,
} from '../metadata.ts';
import type { Authority } from '../state.ts';
import type { RoleAuthorities } from './role-keys.ts';

/** What release keys speak for, and what the online key does. Neither pattern matches a path of the other. */
export const MODULES_PATHS = ['index/*', 'livepatches/*/*/*'] as const;
export const ROLLOUT_PATHS = ['rollout/*'] as const;
const BIN_PREFIX = 'modules';

function keysOnly({ keyids, threshold }: RoleKeys): RoleKeys {
  return { keyids, threshold };
}

function keysOf(authorities: readonly Authority[]): Record<string, PublicKey> {
  return Object.fromEntries(authorities.flatMap(({ keyids, keys }) => keyids.map((keyid) => [keyid, keys[keyid]!])));
}

export function rootDocument(keys: RoleAuthorities, version: number, now: Date): RootSigned {
  return {
    _type: 'root',
    ...common('root', version, now),
    consistent_snapshot: true,
    keys: keysOf(topRoles.map((role) => keys[role])),
    roles: {
      root: keysOnly(keys.root),
      targets: keysOnly(keys.targets),
      snapshot: keysOnly(keys.snapshot),
      timestamp: keysOnly(keys.timestamp),
    },
  };
}

/** Names no target itself. Both delegations end the search: what a bin does not list is listed nowhere. */
export function targetsDocument(keys: RoleAuthorities, version: number, now: Date): TargetsSigned {
  const delegations: Delegations = {
    keys: keysOf([keys.modules, keys.rollout]),
    roles: [
      { name: 'rollout', ...keysOnly(keys.rollout), paths: ROLLOUT_PATHS, terminating: true },
      { name: 'modules', ...keysOnly(keys.modules), paths: MODULES_PATHS, terminating: true },
    ],
  };
  return { _type: 'targets', ...common('targets', version, now), targets: {}, delegations };
}

/** Delegates to its bins, with the same keys. `bits`: 2^bits bins. */
export function modulesDocument({ modules }: RoleAuthorities, bits: number, version: number, now: Date): TargetsSigned {
  const bins = { ...keysOnly(modules), bit_length: bits, name_prefix: BIN_PREFIX };
  const delegations = { keys: keysOf([modules]), succinct_roles: bins };
  return { _type: 'targets', ...common('modules', version, now), targets: {}, delegations };
}

export function emptyTargets(role: 'modules' | 'rollout', now: Date): TargetsSigned {
  return { _type: 'targets', ...common(role, 1, now), targets: {} };
}
