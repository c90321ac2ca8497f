import { setImmediate } from 'node:timers/promises';
import type { Profile, ProfileObject } from '#domain';
import { MAX_FILES, unreadable } from './limits.ts';
import type { SourcePaths } from './source-paths.ts';
import type { RawUnit } from './unit-reader.ts';

/** Where fewer of the units of vmlinux are files of the source given, it is the source of another kernel. */
const MIN_PLACED_SHARE = 0.9;
/** After so many, timers and Ctrl-C have their turn. */
const UNITS_A_TURN = 64;

/** Puts units together as the objects and files of a profile. */
export class ProfileCollector {
  readonly #paths: SourcePaths;
  readonly #sources: ReadonlySet<string>;
  readonly #unreadable: string[];
  readonly #objects: ProfileObject[] = [];
  readonly #functions: string[][] = [];
  readonly #files = new Map<string, number[]>();

  constructor(paths: SourcePaths, sources: ReadonlySet<string>, unreadable: string[]) {
    this.#paths = paths;
    this.#sources = sources;
    this.#unreadable = unreadable;
  }

  async add(target: string, units: readonly RawUnit[], signal?: AbortSignal): Promise<void> {
    for (const [count, unit] of units.entries()) {
      if (count % UNITS_A_TURN === 0) await setImmediate(null, { signal });
      const { path: source, placed } = this.#paths.place(unit.compDir, '', unit.name);
      // Code of a module from elsewhere is not the kernel's; but a source that is not recognised would clear its own CVE.
      if (!placed) this.#unreadable.push(`${target}: ${source} lies outside the source of the kernel`);
      const index = this.#objects.length;
      const object = source.replace(/\.[^./]+$/, '.o');
      this.#objects.push({ object, source, target, initOnly: unit.initOnly });
      this.#functions.push([...unit.functions]);
      const files = new Set([source]);
      // `<built-in>`, `<command-line>`: what the compiler calls no file.
      for (const { directory, name } of unit.files)
        if (!name.startsWith('<')) files.add(this.#paths.place(unit.compDir, directory, name).path);
      for (const file of files) {
        const users = this.#files.get(file);
        if (users === undefined) this.#addFile(file, index);
        else users.push(index);
      }
    }
  }

  #addFile(file: string, index: number): void {
    if (this.#files.size >= MAX_FILES) throw unreadable('debug information names more files than any kernel has', file);
    this.#files.set(file, [index]);
  }

  /** With the source of another kernel no path would mean what it says: then nothing may be cleared. */
  checkSource(): void {
    if (this.#sources.size === 0) return;
    const ofSource = this.#objects.filter(({ source }) => this.#sources.has(source)).length;
    if (ofSource >= this.#objects.length * MIN_PLACED_SHARE) return;
    this.#unreadable.push(
      `vmlinux: only ${ofSource} of its ${this.#objects.length} sources are in the source given, which must be another kernel's`,
    );
  }

  finish(): Profile {
    return {
      origin: 'debug-info',
      objects: this.#objects,
      files: this.#files,
      sources: this.#sources,
      unreadable: this.#unreadable,
      generated: new Map(),
      functions: this.#functions,
      predictions: new Map(),
    };
  }
}
