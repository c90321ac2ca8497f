import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Grant, holdsRole, isAccountName, roles, type Scope } from '#domain';

const scope: fc.Arbitrary<Scope> = fc.oneof(
  fc.constant<Scope>({ kind: 'all' }),
  fc.record({ kind: fc.constantFrom('kernel' as const, 'group' as const), id: fc.constantFrom('a', 'b') }),
);
const grants: fc.Arbitrary<Grant[]> = fc.array(fc.record({ role: fc.constantFrom(...roles), scope }), { maxLength: 4 });

test('a grant for one kernel says nothing of another, nor of a group of the same name, nor of all', () => {
  const held: Grant[] = [{ role: 'author', scope: { kind: 'kernel', id: 'a' } }];
  assert.ok(holdsRole(held, ['author', 'reviewer'], { kind: 'kernel', id: 'a' }));
  assert.ok(holdsRole(held, ['author'], { kind: 'any' }));
  for (const target of [{ kind: 'kernel', id: 'b' }, { kind: 'group', id: 'a' }, { kind: 'all' }] as const)
    assert.ok(!holdsRole(held, roles, target));
  assert.ok(!holdsRole(held, ['viewer', 'reviewer', 'release-manager', 'admin'], { kind: 'kernel', id: 'a' }));
  assert.ok(
    !holdsRole([{ role: 'admin', scope: { kind: 'all' } }], ['reviewer'], { kind: 'all' }),
    'no role holds another',
  );
});

test('more grants never take anything away, and nothing is held without a grant', () => {
  fc.assert(
    fc.property(grants, grants, fc.constantFrom(...roles), scope, (held, more, role, target) => {
      assert.ok(!holdsRole([], [role], target));
      assert.ok(!holdsRole(held, [], target));
      if (holdsRole(held, [role], target)) assert.ok(holdsRole([...more, ...held], [role], target));
      if (holdsRole(held, [role], target)) assert.ok(held.some((grant) => grant.role === role));
    }),
  );
});

test('names that look like another, or mean the machine, are no names of accounts', () => {
  for (const name of ['jane', 'j', 'jane.doe-2_x', '0a']) assert.ok(isAccountName(name), name);
  for (const name of ['', 'Jane', 'jаne', '-a', 'a b', 'a\n', 'local', 'autopilot', 'server', 'x'.repeat(65)])
    assert.ok(!isAccountName(name), name);
});
