import { nextOf } from '../commit.ts';
import type { RootSigned, TargetsSigned } from '../metadata.ts';
import { type ArchiveState, binNames, keysOfRoles, MAX_BIN_BITS, readRole } from '../state.ts';
import { emptyTargets, modulesDocument, rootDocument, targetsDocument } from './documents.ts';
import { baseOf, type PendingChange, type PendingDocument, pendingChange } from './pending.ts';
import { changedKeys, invalid, type KeyChanges, noKeys, sameKeys } from './role-keys.ts';

/**
 * 64 bins: with seven targets a release and at most 300 targets a bin they hold 2,700 releases. An agent reads two bins;
 * the number can never change, because a bin that vanishes from the snapshot is an attack (TUF 1.0, 5.5.5).
 */
export const DEFAULT_BIN_BITS = 6;

function unsigned(role: string, signed: RootSigned | TargetsSigned): PendingDocument {
  return { role, sealed: { signatures: [], signed } };
}

/** A new, empty archive of these keys, to be signed. Errors: change-invalid. */
export function proposeArchive(changes: KeyChanges, bits: number, now: Date): PendingChange {
  if (!Number.isSafeInteger(bits) || bits < 1 || bits > MAX_BIN_BITS)
    throw invalid(`2 to ${2 ** MAX_BIN_BITS} bins are possible, a power of two`);
  const keys = changedKeys(noKeys, changes);
  const modules = modulesDocument(keys, bits, 1, now);
  const bins = binNames(modules.delegations!.succinct_roles!);
  const documents = [
    ...bins.map((bin) => unsigned(bin, emptyTargets('modules', now))),
    unsigned('modules', modules),
    unsigned('targets', targetsDocument(keys, 1, now)),
    unsigned('root', rootDocument(keys, 1, now)),
  ];
  return pendingChange(null, documents, now);
}

/** Other keys, thresholds or days for an archive, to be signed. Errors: change-invalid, also where nothing would change. */
export async function proposeKeys(state: ArchiveState, changes: KeyChanges, now: Date): Promise<PendingChange> {
  const before = keysOfRoles(state);
  const keys = changedKeys(before, changes);
  const isNew = (...roles: (keyof typeof keys)[]): boolean =>
    roles.some((role) => !sameKeys(before[role], keys[role])) || roles.some((role) => changes.renew.includes(role));
  const documents: PendingDocument[] = [];
  if (isNew('modules')) {
    // Every bin is signed anew: what a key that is gone has signed counts no more.
    for (const bin of binNames(state.bins))
      documents.push(unsigned(bin, nextOf((await readRole(state, bin)).signed, now)));
    const version = state.modules.signed.version + 1;
    documents.push(unsigned('modules', modulesDocument(keys, state.bins.bit_length, version, now)));
  }
  if (isNew('targets', 'modules', 'rollout'))
    documents.push(unsigned('targets', targetsDocument(keys, state.targets.signed.version + 1, now)));
  if (
    isNew('root') ||
    (['targets', 'snapshot', 'timestamp'] as const).some((role) => !sameKeys(before[role], keys[role]))
  )
    documents.push(unsigned('root', rootDocument(keys, state.root.signed.version + 1, now)));
  if (documents.length === 0) throw invalid('this would change nothing');
  return pendingChange(baseOf(state), documents, now);
}
