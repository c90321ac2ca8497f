import { type Delegate, delegatesOf } from './delegation.ts';
import { refused } from './error.ts';
import type { MetadataFolder } from './folder.ts';
import { limits } from './limits.ts';
import {
  type Authority,
  type Document,
  type FileMeta,
  type Root,
  readDocument,
  type Snapshot,
  type TargetMeta,
  type Targets,
} from './metadata.ts';
import { quotedRole } from './names.ts';
import type { Remote } from './remote.ts';
import { ifBelieved } from './root.ts';
import { isListed, requireSigned, type UpdateTime } from './verify.ts';

/** The targets roles of one update (TUF 1.0, 5.6). Each is loaded once, and verified again for every role that delegates to it. */
export class TargetsRoles {
  readonly #folder: MetadataFolder;
  readonly #remote: Remote;
  readonly #time: UpdateTime;
  readonly #root: Root;
  readonly #snapshot: Snapshot;
  readonly #loaded = new Map<string, Document<Targets>>();

  constructor(folder: MetadataFolder, remote: Remote, time: UpdateTime, root: Root, snapshot: Snapshot) {
    this.#folder = folder;
    this.#remote = remote;
    this.#time = time;
    this.#root = root;
    this.#snapshot = snapshot;
  }

  get #top(): Delegate {
    return { name: 'targets', terminating: false, authority: this.#root.roles.targets };
  }

  /** 5.6.1 to 5.6.6 for the top-level role. Errors: archive-offline, metadata-*. */
  async update(): Promise<void> {
    await this.#load(this.#top);
  }

  /**
   * 5.6.7: "Perform a pre-order depth-first search for metadata about the desired target, beginning with the top-level
   * targets role." Undefined when no role says anything about it. Errors: those of a role that cannot be had or believed,
   * which ends the search.
   */
  async find(path: string, remote: Remote = this.#remote): Promise<TargetMeta | undefined> {
    const visited = new Set<string>();
    const stack: Delegate[] = [this.#top];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      // 5.6.7.1: "If this role has been visited before, then skip this role (so that cycles […] are avoided)."
      if (visited.has(next.name)) continue;
      // 5.6.7.1: "Otherwise, if an application-specific maximum number of roles have been visited, then" there is no such
      // target. The top-level role is not counted.
      if (visited.size > limits.delegations) return undefined;
      const { targets, delegations } = await this.#load(next, remote);
      visited.add(next.name);
      // 5.6.7.1: "Otherwise, if this role contains metadata about the desired target, then" this is it.
      const found = targets.get(path);
      if (found !== undefined) return found;
      // 5.6.7.2: "recursively search the list of delegations in order of appearance"
      const delegates = delegations === null ? [] : delegatesOf(delegations, path);
      // 5.6.7.2.1: nothing after "a terminating delegation", on any level, is asked.
      const last = delegates.findIndex(({ terminating }) => terminating);
      if (last >= 0) stack.length = 0;
      stack.push(...delegates.slice(0, last < 0 ? undefined : last + 1).toReversed());
    }
    return undefined;
  }

  async #load(role: Delegate, remote: Remote = this.#remote): Promise<Targets> {
    const known = this.#loaded.get(role.name);
    if (known !== undefined) {
      // Another role may delegate to it, with other keys.
      requireSigned(known, role.authority, `${role.name}.json`);
      return known.signed;
    }
    const listed = this.#snapshot.files.get(`${role.name}.json`);
    if (listed === undefined)
      throw refused('metadata-invalid', 'the snapshot does not list the metadata of a role', `${role.name}.json`);
    const document = (await this.#stored(role, listed)) ?? (await this.#download(role, listed, remote));
    this.#time.learn(document.signed);
    this.#loaded.set(role.name, document);
    return document.signed;
  }

  /** What this host has already, if it passes today's checks: today's delegator, today's snapshot, now. */
  async #stored({ name, authority }: Delegate, listed: FileMeta): Promise<Document<Targets> | undefined> {
    const bytes = await this.#folder.read(name, limits.targetsBytes);
    return bytes === undefined ? undefined : ifBelieved(() => this.#verify(bytes, authority, listed, `${name}.json`));
  }

  async #download({ name, authority }: Delegate, listed: FileMeta, remote: Remote): Promise<Document<Targets>> {
    // 5.6.1: "up to either the number of bytes specified in the snapshot metadata file, or some Z number of bytes", as
    // VERSION_NUMBER.FILENAME.EXT where consistent snapshots are used.
    const quoted = quotedRole(name);
    const file = this.#root.consistentSnapshot ? `${listed.version}.${quoted}.json` : `${quoted}.json`;
    const bytes = await remote.requiredMetadata(file, Math.min(listed.length ?? Infinity, limits.targetsBytes));
    const document = this.#verify(bytes, authority, listed, file);
    // 5.6.6: "Persist targets metadata."
    await this.#folder.write(name, bytes);
    return document;
  }

  #verify(bytes: Buffer, authority: Authority, listed: FileMeta, file: string): Document<Targets> {
    // 5.6.2: "The hashes of the new targets metadata file MUST match the hashes, if any, listed in the trusted snapshot."
    if (!isListed(bytes, listed))
      throw refused('metadata-invalid', 'the metadata is not the file that the snapshot lists', file);
    const document = readDocument('targets', bytes, file);
    // 5.6.3: "signed by a threshold of keys specified in the trusted root metadata file", or in the role that delegates.
    requireSigned(document, authority, file);
    // 5.6.4: "The version number of the new targets metadata file MUST match the version number listed in the snapshot."
    const { version } = document.signed;
    if (version !== listed.version)
      throw refused(
        version < listed.version ? 'metadata-rollback' : 'metadata-invalid',
        `the metadata has version ${version}, the snapshot lists ${listed.version}`,
        file,
      );
    // 5.6.5: "The expiration timestamp in the new targets metadata file MUST be higher than the fixed update start time."
    this.#time.requireFresh(document.signed, file);
    return document;
  }
}
