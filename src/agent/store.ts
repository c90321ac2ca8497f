import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 as digest, makeFolders, readLimited, writeAtomic } from '#host';
import type { StoreDoor } from './doors.ts';

/** No livepatch is larger: what the archive may ask a host to keep in memory. */
export const MAX_MODULE_BYTES = 64 << 20;
const NAME = /^([0-9a-f]{64})\.ko$/;

/** Modules below one folder, `SHA256.ko` each, and beside them what an interrupted download left. */
export class ModuleStore implements StoreDoor {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async list(): Promise<Set<string>> {
    const names = await readdir(this.#folder).catch(() => []);
    return new Set(names.flatMap((name) => NAME.exec(name)?.[1] ?? []));
  }

  async read(sha256: string): Promise<Buffer | undefined> {
    const path = this.#path(sha256);
    const content = await readLimited(path, MAX_MODULE_BYTES).catch(() => undefined);
    if (content !== undefined && digest(content) === sha256) return content;
    await rm(path, { force: true });
    return undefined;
  }

  async write(sha256: string, content: Buffer): Promise<void> {
    await writeAtomic(this.#path(sha256), content, 0o600);
  }

  /** Where an unfinished download of it is kept. */
  async part(sha256: string): Promise<string> {
    await makeFolders(this.#folder, 0o700);
    return join(this.#folder, `${sha256}.part`);
  }

  async dropPart(sha256: string): Promise<void> {
    await rm(join(this.#folder, `${sha256}.part`), { force: true });
  }

  async prune(keep: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [])) {
      if (keep.has(NAME.exec(name)?.[1] ?? '')) continue;
      await rm(join(this.#folder, name), { force: true });
    }
  }

  #path(sha256: string): string {
    return join(this.#folder, `${sha256}.ko`);
  }
}
