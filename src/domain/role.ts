/** What a person or a program may do. No role holds another: who reviews and who releases is said one by one. */
export const roles = ['viewer', 'author', 'reviewer', 'release-manager', 'admin'] as const;
export type Role = (typeof roles)[number];

/** Where a role counts: everywhere, for one kernel (its id), or for one group of hosts (its name). */
export type Scope = { readonly kind: 'all' } | { readonly kind: 'kernel' | 'group'; readonly id: string };

export interface Grant {
  readonly role: Role;
  readonly scope: Scope;
}

/** What a request is about. `any`: something every holder of the role may see, however small the scope. */
export type Target = Scope | { readonly kind: 'any' };

/** Does one of these grants give one of these roles for the target? A grant for one kernel says nothing of another. */
export function holdsRole(grants: readonly Grant[], wanted: readonly Role[], target: Target): boolean {
  return grants.some(({ role, scope }) => wanted.includes(role) && covers(scope, target));
}

function covers(scope: Scope, target: Target): boolean {
  if (target.kind === 'any' || scope.kind === 'all') return true;
  return target.kind !== 'all' && scope.kind === target.kind && scope.id === target.id;
}

export function scopeText(scope: Scope): string {
  return scope.kind === 'all' ? 'all' : `${scope.kind}:${scope.id}`;
}

const ACCOUNT_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Names that are written down for what has no account: the machine itself, and a visitor of the loopback address. */
const TAKEN_NAMES: ReadonlySet<string> = new Set(['autopilot', 'local', 'server']);

/** Lower-case letters, digits, `.`, `_` and `-`, at most 64: one name cannot look like another by case or by script. */
export function isAccountName(text: string): boolean {
  return ACCOUNT_NAME.test(text) && !TAKEN_NAMES.has(text);
}
