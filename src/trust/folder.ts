import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '#domain';
import { exists, makeFolders, readLimited, syncFolder, writeAtomic } from '#host';
import { quotedRole } from './names.ts';

/** What a write that a power cut ended leaves behind. */
const LEFT_OVER = /^\.[0-9a-f-]{36}\.tmp$/;

/**
 * The metadata this host trusts: one file a role, `ROLE.json`, as the archive served it. Each is written beside the old one,
 * synced, renamed, and the folder synced; what is read from it is verified again like an answer from the network.
 */
export class MetadataFolder {
  readonly #path: string;
  readonly #past: string | null;

  /** `past`: a folder for every root that was trusted once; what tells a root of its past from one of another archive. */
  constructor(path: string, past: string | null = null) {
    this.#path = path;
    this.#past = past;
  }

  file(role: string): string {
    return join(this.#path, `${quotedRole(role)}.json`);
  }

  /** Undefined when there is none, or one larger than it may be: that is damage. Errors: file-unreadable. */
  async read(role: string, maxBytes: number): Promise<Buffer | undefined> {
    return readIfThere(this.file(role), maxBytes);
  }

  /** Errors: disk-full, file-unreadable. */
  async write(role: string, bytes: Buffer): Promise<void> {
    await writeAtomic(this.file(role), bytes);
  }

  /** Writes the root, and keeps it under its version as well. */
  async writeRoot(version: number, bytes: Buffer): Promise<void> {
    if (this.#past !== null) await writeAtomic(join(this.#past, `${version}.root.json`), bytes);
    await this.write('root', bytes);
  }

  /** The root of a version that was trusted here once; undefined where that is not known. */
  async readPastRoot(version: number, maxBytes: number): Promise<Buffer | undefined> {
    return this.#past === null ? undefined : readIfThere(join(this.#past, `${version}.root.json`), maxBytes);
  }

  /** Versions of the roots that were trusted here once, the newest first. */
  async pastRoots(): Promise<number[]> {
    const names = this.#past === null || !(await exists(this.#past)) ? [] : await readdir(this.#past);
    const versions = names.map((name) => Number(/^([1-9]\d{0,15})\.root\.json$/.exec(name)?.[1]));
    return versions.filter(Number.isSafeInteger).toSorted((a, b) => b - a);
  }

  async remove(...roles: string[]): Promise<void> {
    for (const role of roles) await rm(this.file(role), { force: true });
    await syncFolder(this.#path);
  }

  /** Makes the folder, and clears away what a power cut left. */
  async prepare(): Promise<void> {
    await makeFolders(this.#path);
    for (const name of await readdir(this.#path)) {
      if (LEFT_OVER.test(name)) await rm(join(this.#path, name), { force: true });
    }
  }

  async removeAll(): Promise<void> {
    if (this.#past !== null) await rm(this.#past, { recursive: true, force: true });
    for (const name of await readdir(this.#path)) await rm(join(this.#path, name), { recursive: true, force: true });
    await syncFolder(this.#path);
  }
}

async function readIfThere(path: string, maxBytes: number): Promise<Buffer | undefined> {
  try {
    return await readLimited(path, maxBytes);
  } catch (error) {
    if (hasCode(error, 'file-missing', 'file-too-large')) return undefined;
    throw error;
  }
}
