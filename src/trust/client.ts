import type { Clock } from '#host';
import { refused, TrustError } from './error.ts';
import type { MetadataFolder } from './folder.ts';
import type { TargetMeta } from './metadata.ts';
import { targetUrlPath } from './names.ts';
import { Remote } from './remote.ts';
import { loadRoot, updateRoot } from './root.ts';
import { updateSnapshot } from './snapshot.ts';
import { TargetsRoles } from './targets.ts';
import { updateTimestamp } from './timestamp.ts';
import { hasDigests, namingDigest, UpdateTime } from './verify.ts';

export interface ClientOptions {
  /** Of the metadata this host trusts; has `root.json` already (`establishRoot`). */
  readonly folder: MetadataFolder;
  readonly metadataUrl: string;
  readonly clock: Clock;
}

/** An archive whose metadata was verified just now. One is for one update: its time stands still (TUF 1.0, 5.1). */
export class TufClient {
  readonly #roles: TargetsRoles;
  readonly #options: ClientOptions;
  readonly #consistentSnapshot: boolean;
  /** When today's timestamp stops being believed. */
  readonly expires: Date;

  private constructor(roles: TargetsRoles, options: ClientOptions, consistentSnapshot: boolean, expires: Date) {
    this.#roles = roles;
    this.#options = options;
    this.#consistentSnapshot = consistentSnapshot;
    this.expires = expires;
  }

  /**
   * The client workflow of TUF 1.0, section 5, up to the top-level targets: what was verified is on disk, what was refused is
   * not, except that a new root stays even where what follows is refused (5.3.8). Errors: archive-offline, root-invalid,
   * metadata-*, those of the folder.
   */
  static async refresh(options: ClientOptions): Promise<TufClient> {
    const { folder } = options;
    const remote = new Remote(options.metadataUrl, options.clock);
    // 5.1: "Record the time at which the update began as the fixed update start time."
    const time = new UpdateTime(options.clock.now());
    // 5.2, 5.3
    const { signed: root } = await updateRoot(folder, remote, time, await loadRoot(folder));
    // 5.4
    const timestamp = await updateTimestamp(folder, remote, time, root);
    // 5.5
    const snapshot = await updateSnapshot(folder, remote, time, root, timestamp.snapshot);
    // 5.6.1 to 5.6.6
    const roles = new TargetsRoles(folder, remote, time, root, snapshot);
    await roles.update();
    return new TufClient(roles, options, root.consistentSnapshot, new Date(timestamp.expires));
  }

  /** 5.6.7: what the archive says of a target; undefined when it has none of this name. Errors: those of `refresh`. */
  find(path: string): Promise<TargetMeta | undefined> {
    return this.#roles.find(path, new Remote(this.#options.metadataUrl, this.#options.clock));
  }

  /**
   * 5.7.3: "download the target (up to the number of bytes specified in the targets metadata), and verify that its hashes
   * match". Errors: archive-offline, target-missing, target-mismatch.
   */
  async fetchTarget(baseUrl: string, path: string, target: TargetMeta, maxBytes: number): Promise<Buffer> {
    const { length } = target;
    if (length > maxBytes)
      throw refused('target-mismatch', `the target has ${length} bytes, at most ${maxBytes} are taken`, path);
    const content = await new Remote(baseUrl, this.#options.clock).target(this.targetName(path, target), length);
    if (!isTarget(content, target))
      throw new TrustError('target-mismatch', 'untrusted', {
        what: `the target is not what its metadata says: ${content.length === length ? 'another hash' : `${content.length} bytes instead of ${length}`}`,
        where: path,
        remedy: 'the archive or the way to it was tampered with; nothing was used',
      });
    return content;
  }

  /** Where a target lies below the targets' address. Errors: target-mismatch. */
  targetName(path: string, { digests }: TargetMeta): string {
    // "HASH is one of the hashes of the targets file listed in the targets metadata file."
    const hash = namingDigest(digests);
    if (hash === undefined)
      throw refused('target-mismatch', 'the target has a hash that is none of sha256, sha384 and sha512', path);
    return targetUrlPath(path, this.#consistentSnapshot ? hash : null);
  }
}

/** 5.7.1: are these the bytes that the metadata says? */
export function isTarget(content: Uint8Array, { length, digests }: TargetMeta): boolean {
  return content.length === length && hasDigests(content, digests);
}
