import { posix } from 'node:path';
import { valueOfVariable } from './expand.ts';
import type { Facts } from './facts.ts';
import { MAX_NESTED_OBJECTS } from './limits.ts';
import { bare, kindOf, wordsOf } from './marks.ts';

/** Something a folder's lists hold. */
export interface Item {
  /** Object, `.dtb`, linker script or folder, relative to the source root. */
  readonly path: string;
  readonly sure: boolean;
  /** How it is reached: only by the lists of built-in code, only by those of modules, or by any visit. */
  readonly needs: 'builtin' | 'modules' | 'any';
  /** `vmlinux`, a module's name, or null for what is no code of the kernel. */
  readonly target: string | null;
}

export interface Contents {
  readonly objects: readonly Item[];
  readonly folders: readonly Item[];
  /** A list holds something unknown. */
  readonly open: boolean;
}

interface List {
  readonly name: string;
  readonly needs: Item['needs'];
  readonly suffixes: readonly string[];
  /** Listing says that it can be made, not that it is. */
  readonly doubtful?: boolean;
}

const BUILT_IN = ['-objs', '-y'];
const MODULE = ['-objs', '-y', '-m'];
const LISTS: readonly List[] = [
  { name: 'obj-y', needs: 'builtin', suffixes: BUILT_IN },
  { name: 'obj-m', needs: 'modules', suffixes: MODULE },
  { name: 'lib-y', needs: 'any', suffixes: BUILT_IN },
  { name: 'lib-m', needs: 'any', suffixes: BUILT_IN },
  { name: 'extra-y', needs: 'any', suffixes: BUILT_IN },
  ...['always-y', 'always-m', 'always', 'dtb-y', 'subdir-y', 'subdir-m', 'real-dtb-y'].map(
    (name): List => ({ name, needs: 'any', suffixes: name.startsWith('subdir') ? [] : ['-dtbs'] }),
  ),
  ...['targets', 'hostprogs', 'hostprogs-y', 'hostprogs-always-y', 'userprogs', 'userprogs-always-y'].map(
    (name): List => ({ name, needs: 'any', suffixes: MODULE, doubtful: true }),
  ),
];
/** Lists of the top Makefile: folders below the root, and objects that are linked first. */
const ROOT_LISTS: readonly List[] = [
  ...['init', 'core', 'drivers', 'net', 'libs', 'virt', 'head'].flatMap((name): List[] => [
    { name: `${name}-y`, needs: 'builtin', suffixes: BUILT_IN },
    { name: `${name}-m`, needs: 'modules', suffixes: MODULE },
  ]),
];

/** What Kbuild would make of a folder (scripts/Makefile.build, scripts/Makefile.lib). */
export function contentsOf(facts: Facts, root: boolean): Contents {
  const reader = new ContentsReader(facts);
  for (const list of root ? ROOT_LISTS : LISTS) reader.list(list);
  if (!root && valueOfVariable('CONFIG_OF_ALL_DTBS', facts.scope) !== '') {
    reader.list({ name: 'dtb-', needs: 'any', suffixes: ['-dtbs'] });
  }
  return { objects: reader.objects, folders: reader.folders, open: reader.open };
}

class ContentsReader {
  readonly objects: Item[] = [];
  readonly folders: Item[] = [];
  open = false;
  readonly #facts: Facts;

  constructor(facts: Facts) {
    this.#facts = facts;
  }

  list(list: List): void {
    for (const marked of wordsOf(valueOfVariable(list.name, this.#facts.scope))) {
      const kind = kindOf(marked);
      if (kind === 'hole') this.open = true;
      else this.#word(bare(marked), kind === 'sure' && list.doubtful !== true, list);
    }
  }

  #word(word: string, sure: boolean, list: List): void {
    const folder = word.endsWith('/') || list.name.startsWith('subdir');
    if (folder) {
      this.folders.push({ path: this.#path(word), sure, needs: list.needs, target: null });
      return;
    }
    const base = /\.(?:o|dtb|dtbo)$/.test(word) ? word.slice(0, word.lastIndexOf('.')) : word;
    const name = base.slice(base.lastIndexOf('/') + 1).replaceAll('-', '_');
    const linked = list.needs === 'modules' ? name : word.endsWith('.o') ? 'vmlinux' : 'image';
    const target = list.doubtful === true ? null : linked;
    this.#object(word, base, { path: '', sure, needs: list.needs, target }, list.suffixes, 0);
  }

  #object(word: string, base: string, item: Item, suffixes: readonly string[], depth: number): void {
    const parts = wordsOf(suffixes.map((suffix) => valueOfVariable(base + suffix, this.#facts.scope)).join(' '));
    const others = wordsOf(['-', '-m'].map((suffix) => valueOfVariable(base + suffix, this.#facts.scope)).join(' '));
    const composite = [...parts, ...others].some((part) => kindOf(part) === 'sure');
    const perhaps = parts.length + others.length > 0;
    // Kbuild looks for parts of what its lists hold, not for parts of parts; those are followed only to be careful.
    const part = depth > 0;
    if (part || !composite)
      this.objects.push({ ...item, path: this.#path(word), sure: item.sure && (part || !perhaps) });
    if (depth >= MAX_NESTED_OBJECTS) {
      this.open = true;
      return;
    }
    for (const marked of parts) {
      const kind = kindOf(marked);
      const name = bare(marked);
      const sure = item.sure && kind === 'sure' && !part;
      if (kind === 'hole') this.open = true;
      else if (name !== word) this.#object(name, name.replace(/\.[^./]+$/, ''), { ...item, sure }, suffixes, depth + 1);
    }
    // A part that is set to `m` while the object is built in: older Kbuild links it, newer does not.
    if (suffixes === BUILT_IN) {
      for (const marked of wordsOf(valueOfVariable(`${base}-m`, this.#facts.scope))) {
        if (kindOf(marked) === 'hole') this.open = true;
        else this.objects.push({ ...item, path: this.#path(bare(marked)), sure: false });
      }
    }
  }

  #path(word: string): string {
    const path = posix.normalize(posix.join(this.#facts.folder, word));
    return path.endsWith('/') ? path.slice(0, -1) : path;
  }
}
