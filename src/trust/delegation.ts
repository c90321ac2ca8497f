import { createHash } from 'node:crypto';
import type { Authority, DelegatedRole, Delegations } from './metadata.ts';
import { matchesPattern } from './pattern.ts';

/** A role that may speak for a path, and who signs it. */
export interface Delegate {
  readonly name: string;
  readonly terminating: boolean;
  readonly authority: Authority;
}

/** The roles that a path is delegated to, in the order of appearance (TUF 1.0, 4.5). */
export function delegatesOf(delegations: Delegations, path: string): Delegate[] {
  const hash = createHash('sha256').update(path, 'utf8').digest();
  if (delegations.kind === 'bins') {
    // TAP 15: the first `bit_length` bits of the hash are the number of the bin; each bin is terminating.
    const { bins } = delegations;
    const digits = (2 ** bins.bitLength - 1).toString(16).length;
    const bin = Math.floor(hash.readUInt32BE() / 2 ** (32 - bins.bitLength));
    const name = `${bins.namePrefix}-${bin.toString(16).padStart(digits, '0')}`;
    return [{ name, terminating: true, authority: bins }];
  }
  return delegations.roles
    .filter((role) => isDelegated(role, path, hash.toString('hex')))
    .map((role) => ({ name: role.name, terminating: role.terminating, authority: role }));
}

function isDelegated({ paths, pathHashPrefixes }: DelegatedRole, path: string, hash: string): boolean {
  return (
    paths.some((pattern) => matchesPattern(path, pattern)) || pathHashPrefixes.some((prefix) => hash.startsWith(prefix))
  );
}
