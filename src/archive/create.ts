import { applyChange, requireNone } from './ceremony/apply.ts';
import { signPending } from './ceremony/pending.ts';
import { DEFAULT_BIN_BITS, proposeArchive } from './ceremony/propose.ts';
import { NO_CHANGES } from './ceremony/role-keys.ts';
import { makeKey, requireNew } from './keys/keyring.ts';
import { type KeyRole, keyRoles, type PublicKey } from './metadata.ts';
import { type ArchivePlace, Keyring } from './place.ts';

const OFFLINE: ReadonlySet<KeyRole> = new Set(['root', 'targets', 'modules']);

export interface InitOptions {
  /** For the keys of the offline roles; null: they lie in the open. */
  readonly offlinePassphrase?: string | null;
  readonly bits?: number;
}

/**
 * Makes a key for each role and an empty archive, by the ceremony of one person. What agents must be given is `root.json`.
 * Errors: archive-exists, key-exists.
 */
export async function initArchive(place: ArchivePlace, options: InitOptions = {}): Promise<void> {
  const { offlinePassphrase = null, bits = DEFAULT_BIN_BITS } = options;
  const directory = typeof place.keys === 'string' ? place.keys : place.keys[0]!;
  await requireNone(place.directory);
  for (const role of keyRoles) await requireNew(directory, role);
  const made: { role: KeyRole; key: PublicKey }[] = [];
  for (const role of keyRoles) {
    const { key } = await makeKey(directory, role, OFFLINE.has(role) ? offlinePassphrase : null);
    made.push({ role, key });
  }
  const opened = { ...place, keys: directory, passphrase: () => Promise.resolve(offlinePassphrase) };
  const proposal = proposeArchive({ ...NO_CHANGES, add: made }, bits, place.clock.now());
  const { change } = await signPending(proposal, await Keyring.of(opened));
  await applyChange(opened, change);
}
