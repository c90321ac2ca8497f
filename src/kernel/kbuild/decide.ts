import { posix } from 'node:path';
import type { FilePrediction, ProfileObject } from '#domain';
import type { KernelConfig } from '../kconfig.ts';
import type { Facts } from './facts.ts';
import { type Includers, type IncludeScan, sourcesByName } from './include-scan.ts';
import type { Listing } from './listing.ts';
import { Reasons } from './reasons.ts';
import { isReached, type Walked } from './walk.ts';
import { stemOf } from './word-functions.ts';

const SOURCE = /\.(?:c|S|rs|dts|dtso|asn1)$/;

/** What is said of one file before it is known who else reads it. */
type Prediction = Omit<FilePrediction, 'alone'>;

export interface Decided {
  readonly predictions: Map<string, FilePrediction>;
  readonly objects: ProfileObject[];
}

interface Built {
  readonly sure: boolean;
  readonly target: string | null;
}

/** Objects that a source could be compiled to by the rules that Kbuild brings along. */
function objectsOf(file: string): string[] {
  const stem = file.slice(0, file.lastIndexOf('.'));
  if (/\.dtso?$/.test(file)) return ['.dtb', '.dtbo', '.dtb.o', '.dtbo.o'].map((end) => stem + end);
  if (file.endsWith('.asn1')) return [`${file}.o`];
  return file.endsWith('.S') ? [`${stem}.o`, stem] : [`${stem}.o`, `${stem}.s`, stem];
}

/** Says of each source whether it is built. */
export class Decider {
  readonly #listing: Listing;
  readonly #walked: Walked;
  readonly #includers: Includers;
  readonly #arch: string;
  readonly #reasons: Reasons;
  readonly #items = new Map<string, Built>();
  readonly #touched = new Set<string>();
  readonly #byRule = new Map<string, Set<string>>();
  readonly #done = new Map<string, Prediction>();
  /** Folders of which any file may be built, and why. */
  readonly #open = new Map<string, string>();

  constructor(listing: Listing, walked: Walked, includes: IncludeScan, config: KernelConfig, arch: string) {
    this.#listing = listing;
    this.#walked = walked;
    this.#includers = includes.includers;
    if (includes.unread.length > 0) this.#open.set('', `${includes.unread[0]} could not be read`);
    this.#arch = arch;
    this.#reasons = new Reasons(config);
    for (const folder of walked.missing) this.#open.set(folder, `${folder} has no Makefile here`);
    if (walked.folders.get(`arch/${arch}`)?.visit.sure !== true) this.#open.set('', `arch/${arch} is not reached`);
    this.#collect();
  }

  #collect(): void {
    const names = sourcesByName(this.#listing.files);
    for (const { facts, contents, visit } of this.#walked.folders.values()) {
      const path = facts.folder;
      for (const item of contents.objects) {
        const known = this.#items.get(item.path);
        const sure = isReached(item, visit);
        if (known === undefined || (sure && !known.sure)) this.#items.set(item.path, { sure, target: item.target });
      }
      for (const [word, mentions] of facts.mentions) {
        const rooted = mentions.some(({ variable }) => /^(?:core|libs|drivers|net|init|virt|head)-/.test(variable));
        this.#reasons.add(clean(posix.join(rooted ? '' : path, word)), mentions);
      }
      const why = facts.failed ?? (contents.open ? 'a list holds something unknown' : undefined);
      const rule = facts.open && path !== '' ? 'a rule depends on something unknown' : undefined;
      if ((why ?? rule) !== undefined) this.#open.set(path, `${path}/: ${why ?? rule}`);
      for (const word of facts.touched) this.#touch(word, path, names);
    }
    for (const { facts } of this.#walked.folders.values()) this.#rules(facts);
  }

  /** A path in a rule or a recipe: below the root, beside the Makefile, or, when partly unknown, any of that name. */
  #touch(word: string, folder: string, names: ReadonlyMap<string, readonly string[]>): void {
    this.#touched.add(clean(word));
    this.#touched.add(clean(posix.join(folder, word)));
    const name = posix.basename(word);
    const wholly = this.#listing.files.has(clean(word)) || this.#listing.files.has(clean(posix.join(folder, word)));
    if (!wholly) for (const file of names.get(name) ?? []) this.#touched.add(file);
  }

  /** Objects that a folder's own rules make from elsewhere: `$(obj)/lib-%.o: $(srctree)/lib/%.c`. */
  #rules(facts: Facts): void {
    const path = facts.folder;
    if (facts.rules.length === 0) return;
    const prefix = path === '' ? '' : `${path}/`;
    const wanted = [...this.#items.keys(), ...this.#touched].filter((word) => word.startsWith(prefix));
    for (const { targets, sources } of facts.rules) {
      const named = sources.filter((source) => SOURCE.test(source)).map(clean);
      if (named.length === 0) continue;
      for (const target of targets.map(clean)) {
        const matches = target.includes('%') ? wanted : wanted.includes(target) ? [target] : [];
        for (const object of matches) {
          const stem = stemOf(target, object);
          if (stem === undefined) continue;
          for (const source of named) this.#ruleFor(clean(source.replace('%', () => stem)), object);
        }
      }
      if (this.#open.has(path)) for (const source of named) if (source.includes('%')) this.#touchAll(source);
    }
  }

  #ruleFor(source: string, object: string): void {
    const known = this.#byRule.get(source);
    if (known) known.add(object);
    else this.#byRule.set(source, new Set([object]));
  }

  #touchAll(pattern: string): void {
    for (const file of this.#listing.files) if (stemOf(pattern, file) !== undefined) this.#touched.add(file);
  }

  decide(): Decided {
    const predictions = new Map<string, FilePrediction>();
    const objects: ProfileObject[] = [];
    for (const file of this.#listing.files) {
      if (!SOURCE.test(file)) continue;
      const prediction = this.#of(file, new Set());
      predictions.set(file, { ...prediction, alone: this.#isAlone(file) });
      if (prediction.state !== 'built') continue;
      for (const object of this.#objects(file)) {
        const built = this.#items.get(object);
        if (built?.sure === true) objects.push({ object, source: file, target: built.target, initOnly: null });
      }
    }
    return { predictions, objects };
  }

  #isAlone(file: string): boolean {
    return !this.#includers.has(file) && !this.#touched.has(file) && !this.#byRule.has(file);
  }

  #objects(file: string): string[] {
    return [...new Set([...objectsOf(file), ...(this.#byRule.get(file) ?? [])])];
  }

  #of(file: string, above: Set<string>): Prediction {
    const known = this.#done.get(file);
    if (known) return known;
    if (above.has(file)) return unknown('files that include each other');
    above.add(file);
    const prediction = this.#withIncluders(file, this.#alone(file), above);
    above.delete(file);
    if (above.size === 0) this.#done.set(file, prediction);
    return prediction;
  }

  #withIncluders(file: string, own: Prediction, above: Set<string>): Prediction {
    const includers = this.#includers.get(file);
    if (includers === undefined || own.state === 'built') return own;
    let doubtful: string | undefined;
    const reasons: string[] = [];
    for (const by of includers) {
      const other = SOURCE.test(by) ? this.#of(by, above) : unknown('a header');
      if (other.state === 'built') return { state: 'built', condition: `included by ${by}: ${other.condition}` };
      if (other.state === 'unknown') doubtful ??= by;
      else reasons.push(`included by ${by}: ${other.condition}`);
    }
    if (doubtful !== undefined) return unknown(`included by ${doubtful}, of which nothing is known`);
    if (own.state === 'left-out') return own;
    const unlisted = this.#objects(file).every((object) => !this.#items.has(object) && !this.#touched.has(object));
    const closed = !this.#touched.has(file) && this.#openAbove(file) === undefined;
    return unlisted && closed ? { state: 'left-out', condition: reasons.slice(0, 4).join('; ') } : own;
  }

  #alone(file: string): Prediction {
    const objects = this.#objects(file);
    const items = objects.map((object) => ({ object, item: this.#items.get(object) }));
    const sure = items.find(({ item }) => item?.sure === true);
    const other = file.endsWith('.S') && this.#listing.files.has(`${file.slice(0, -2)}.c`);
    if (sure !== undefined && !other)
      return { state: 'built', condition: `${this.#chain(file)}${this.#reasons.on(sure.object)}` };
    if (items.some(({ item }) => item !== undefined)) return unknown('whether a list holds its object');
    if (this.#touched.has(file) || objects.some((object) => this.#touched.has(object)))
      return unknown('named in a rule');
    const open = this.#openAbove(file);
    if (open !== undefined) return unknown(open);
    return this.#leftOut(file, objects) ?? unknown('no Makefile names it');
  }

  #openAbove(file: string): string | undefined {
    for (let folder = parent(file); ; folder = parent(folder)) {
      const why = this.#open.get(folder);
      if (why !== undefined) return why;
      if (folder === '') return undefined;
    }
  }

  #leftOut(file: string, objects: readonly string[]): Prediction | undefined {
    for (const object of objects) {
      const why = this.#reasons.off(object);
      if (why !== undefined) return { state: 'left-out', condition: `${file}: ${why}` };
    }
    for (let folder = parent(file); folder !== ''; folder = parent(folder)) {
      if (this.#walked.folders.has(folder)) return undefined;
      const why = this.#reasons.off(folder) ?? this.#otherArch(folder);
      if (why !== undefined) return { state: 'left-out', condition: `${folder}/: ${why}` };
    }
    return undefined;
  }

  #otherArch(folder: string): string | undefined {
    const match = /^arch\/([^/]+)$/.exec(folder);
    if (!match || match[1] === this.#arch || (this.#arch === 'um' && match[1] === 'x86')) return undefined;
    return `the kernel is of ${this.#arch}, and builds nothing of this folder`;
  }

  #chain(file: string): string {
    const texts: string[] = [];
    for (let folder = parent(file); folder !== ''; folder = parent(folder)) {
      const text = this.#reasons.has(folder) ? this.#reasons.on(folder) : '';
      if (text.startsWith('CONFIG_')) texts.unshift(`${folder}/: ${text}`);
    }
    return texts.map((text) => `${text}, `).join('');
  }
}

function unknown(condition: string): Prediction {
  return { state: 'unknown', condition };
}

function parent(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

function clean(path: string): string {
  const short = posix.normalize(path).replace(/\/+$/, '');
  return short === '.' ? '' : short;
}
