import { join } from 'node:path';
import { type Clock, withLock } from '#host';
import { type HeldKey, noPassphrase, openHeld, openRole, type Passphrase, readKeys } from './keys/keyring.ts';
import type { RoleKeys, Signer } from './metadata.ts';

const LOCK_WAIT_MS = 30_000;

export interface ArchivePlace {
  /** Folder of static files that is served. */
  readonly directory: string;
  /** Folder of the keys, which is never served; or several, of which each holder brings one. */
  readonly keys: string | readonly string[];
  readonly clock: Clock;
  /** Default: there are no passphrases. */
  readonly passphrase?: Passphrase;
}

/** One at a time writes into an archive. Errors: locked. */
export function locked<T>(place: Pick<ArchivePlace, 'directory'>, body: () => Promise<T>): Promise<T> {
  return withLock(join(place.directory, '.lock'), LOCK_WAIT_MS, body);
}

/** The keys of a place; each passphrase is asked for once. */
export class Keyring {
  readonly held: readonly HeldKey[];
  readonly #passphrase: Passphrase;
  readonly #open = new Map<string, Promise<Signer>>();

  private constructor(held: readonly HeldKey[], passphrase: Passphrase) {
    this.held = held.map((one) => ({ ...one, open: () => this.#once(one) }));
    this.#passphrase = passphrase;
  }

  static async of({ keys, passphrase }: Pick<ArchivePlace, 'keys' | 'passphrase'>): Promise<Keyring> {
    const held = await readKeys(typeof keys === 'string' ? [keys] : keys);
    return new Keyring(held, passphrase ?? noPassphrase);
  }

  #once(one: HeldKey): Promise<Signer> {
    let signer = this.#open.get(one.file);
    if (signer === undefined) this.#open.set(one.file, (signer = one.open(this.#passphrase)));
    return signer;
  }

  /** As many signers as the role needs. Errors: key-mismatch, key-missing, key-locked. */
  need(role: string, keys: RoleKeys): Promise<Signer[]> {
    return openRole(this.held, role, keys, this.#passphrase);
  }

  /** All that are here for any of these roles. Errors: key-locked. */
  all(...roles: readonly RoleKeys[]): Promise<Signer[]> {
    return openHeld(this.held, roles, this.#passphrase);
  }

  /** Are there enough keys for this role here? */
  has({ keyids, threshold }: RoleKeys): boolean {
    return new Set(this.held.map(({ keyid }) => keyid).filter((keyid) => keyids.includes(keyid))).size >= threshold;
  }
}
