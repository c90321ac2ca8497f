import { normalize } from 'node:path';
import { archiveMembers } from '../thin-archive.ts';

const MAX_DEPTH = 64;

/** Reads one file of the build tree by its path there; null when there is none. */
export type ReadFile = (path: string) => Buffer | null;

/** Commands that put files together (`ld -r`, `ar`): what they make → the words of the command. */
export type Links = ReadonlyMap<string, readonly string[]>;

/**
 * Objects behind a list of names: archives are opened (thin ones name files, also other archives; old kernels nest them),
 * and what a link command put together is followed to its parts. Paths are relative to the build tree; each comes once.
 */
export class Linked {
  readonly #read: ReadFile;
  readonly #links: Links;
  readonly #isObject: (path: string) => boolean;
  /** Objects and archives that were named, and that neither a compilation nor a link nor an archive explains. */
  readonly unexplained = new Set<string>();

  constructor(read: ReadFile, links: Links, isObject: (path: string) => boolean) {
    this.#read = read;
    this.#links = links;
    this.#isObject = isObject;
  }

  /** Names of `mayLack` are passed over where there is nothing of the kind. */
  objectsOf(names: readonly string[], mayLack: readonly string[] = []): Set<string> {
    const objects = new Set<string>();
    const seen = new Set<string>();
    let open = [...names, ...mayLack].map(clean);
    for (let depth = 0; open.length > 0 && depth < MAX_DEPTH; depth += 1) {
      const next: string[] = [];
      for (const path of open) {
        if (seen.has(path)) continue;
        seen.add(path);
        if (this.#isObject(path)) {
          objects.add(path);
          continue;
        }
        const parts = this.#partsOf(path);
        if (parts !== undefined) next.push(...parts);
        else if (!mayLack.includes(path)) this.unexplained.add(path);
      }
      open = next;
    }
    return objects;
  }

  /** Undefined where nothing says what it was put together from. */
  #partsOf(path: string): string[] | undefined {
    const linked = this.#links
      .get(path)
      ?.filter((word) => /\.(?:o|a)$/.test(word))
      .map(clean);
    if (!path.endsWith('.a') && !path.endsWith('built-in.o')) return linked;
    const bytes = this.#read(path);
    if (bytes === null) return linked;
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    return [...(linked ?? []), ...archiveMembers(bytes).map((member) => clean(folder + member))];
  }
}

/** As `normalize`, which takes a microsecond, only where there is something to do. */
function clean(path: string): string {
  return path.startsWith('.') || path.includes('/.') || path.includes('//') ? normalize(path) : path;
}
