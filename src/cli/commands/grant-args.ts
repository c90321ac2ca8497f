import { type Grant, roles, scopeText } from '#domain';
import { type Db, findKernel } from '#store';
import { CliError } from '../error.ts';

export const ROLE_HELP = `${roles.join(', ')}; for one kernel or group of hosts: ROLE@kernel:NAME, ROLE@group:NAME`;

/** Roles as they are typed. A kernel's grant holds its id, which a later kernel of the same name does not have. Errors: role-invalid. */
export async function grantsOf(db: Db, words: readonly string[]): Promise<Grant[]> {
  return Promise.all(words.map((word) => grantOf(db, word)));
}

export async function grantOf(db: Db, word: string): Promise<Grant> {
  const [, name = '', kind, id = ''] = /^([a-z-]+)(?:@(kernel|group):(.{1,200}))?$/.exec(word) ?? [];
  const role = roles.find((one) => one === name);
  if (role === undefined) throw invalid(word, ROLE_HELP);
  if (kind === undefined) return { role, scope: { kind: 'all' } };
  if (kind === 'group') return { role, scope: { kind: 'group', id } };
  const kernel = await findKernel(db, id);
  // Of a kernel that was removed only the id is left, by which its grants can be taken back.
  if (kernel === undefined && !/^[0-9a-f-]{36}$/.test(id))
    throw invalid(word, 'there is no such kernel; "tuxtape kernel list" lists them');
  return { role, scope: { kind: 'kernel', id: kernel?.id ?? id } };
}

function invalid(word: string, remedy: string): CliError {
  return new CliError('role-invalid', 'input', { what: `"${word}" is no role`, remedy });
}

/** Grants as they are typed, with the names kernels have now. */
export function grantText(grants: readonly Grant[], kernels: ReadonlyMap<string, string>): string {
  const text = ({ role, scope }: Grant): string => {
    if (scope.kind === 'all') return role;
    return scope.kind === 'kernel'
      ? `${role}@kernel:${kernels.get(scope.id) ?? scope.id}`
      : `${role}@${scopeText(scope)}`;
  };
  return grants.map(text).join(', ');
}
