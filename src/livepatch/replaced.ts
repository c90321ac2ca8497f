import type { PatchedFunction } from '#domain';
import { bytesOf, ElfError, readElf64 } from '#kernel';
import { modinfo } from './elf.ts';
import { LivepatchError } from './error.ts';

const SYMBOL_BYTES = 24;
const RELA_BYTES = 24;
/** The file is hostile input: the largest livepatches replace some hundred functions, and no symbol has 512 letters. */
const FUNCTIONS_MAX = 10_000;
const NAME_BYTES = 512;
/** struct kpatch_patch_func (kpatch, kpatch-patch.h): bytes of one, and where the pointers to its names stand. */
const KPATCH = { bytes: 56, name: 40, object: 48 };
/** struct klp_func_ext and klp_object_ext (include/linux/livepatch_external.h, Linux 6.19 and later). */
const KLP_FUNC = { bytes: 24, name: 0 };
const KLP_OBJECT = { bytes: 64, name: 0, functions: 8, count: 56 };

/** A livepatch, as its module file says it. */
export interface LivepatchModule {
  readonly moduleName: string;
  /** `uname -r` of the kernel that it is for, by its vermagic. */
  readonly release: string;
  readonly replaced: readonly PatchedFunction[];
}

/** Where a pointer of the file leads to: relocation of a section that is not loaded yet. */
interface Target {
  readonly section: number;
  readonly offset: number;
}

/** Name and replaced functions of a module that kpatch-build or klp-build made. Errors: module-unreadable. */
export function readLivepatchModule(elf: Buffer, where: string): LivepatchModule {
  const info = modinfo(elf, where, 'input');
  const moduleName = info.get('name')?.[0];
  const unreadable = (what: string, cause?: unknown): LivepatchError =>
    new LivepatchError('module-unreadable', 'input', {
      what,
      where,
      remedy: 'give the module of a livepatch, or its name and the functions that it replaces',
      cause,
    });
  if (moduleName === undefined || info.get('livepatch')?.[0] !== 'Y')
    throw unreadable('the module is not marked as a livepatch');
  try {
    const replaced = new Pointers(elf).replaced();
    const release = (info.get('vermagic')?.[0] ?? '').split(' ')[0]!;
    if (replaced.length > 0) return { moduleName, release, replaced };
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw unreadable(cause instanceof ElfError ? cause.message : 'the module is damaged', cause);
  }
  throw unreadable('the module says in no known form which functions it replaces');
}

class Pointers {
  readonly #table: ReturnType<typeof readElf64>;
  readonly #sections: ReturnType<ReturnType<typeof readElf64>['sections']>;

  constructor(elf: Buffer) {
    this.#table = readElf64(bytesOf(elf));
    this.#sections = this.#table.sections();
  }

  replaced(): readonly PatchedFunction[] {
    const found: PatchedFunction[] = [];
    for (const list of [this.#kpatch(), this.#klp()])
      for (const one of list) {
        if (found.length === FUNCTIONS_MAX) throw new ElfError('the list of replaced functions is too long');
        found.push(one);
      }
    return found;
  }

  *#kpatch(): Generator<PatchedFunction> {
    const list = this.#named('.kpatch.funcs');
    if (list === undefined) return;
    const targets = this.#targets(list.index);
    for (let at = 0; at + KPATCH.bytes <= list.size; at += KPATCH.bytes)
      yield {
        object: this.#text(targets.get(at + KPATCH.object)) ?? 'vmlinux',
        name: required(this.#text(targets.get(at + KPATCH.name))),
      };
  }

  *#klp(): Generator<PatchedFunction> {
    const [objects, functions] = [this.#named('.init.klp_objects'), this.#named('.init.klp_funcs')];
    if (objects === undefined || functions === undefined) return;
    const [ofObjects, ofFunctions] = [this.#targets(objects.index), this.#targets(functions.index)];
    const content = this.#table.content(objects.index);
    for (let at = 0; at + KLP_OBJECT.bytes <= content.length; at += KLP_OBJECT.bytes) {
      const object = this.#text(ofObjects.get(at + KLP_OBJECT.name)) ?? 'vmlinux';
      const from = required(ofObjects.get(at + KLP_OBJECT.functions)).offset;
      const count = content.readUInt32LE(at + KLP_OBJECT.count);
      for (let i = 0; i < count; i += 1)
        yield { object, name: required(this.#text(ofFunctions.get(from + i * KLP_FUNC.bytes + KLP_FUNC.name))) };
    }
  }

  #named(name: string) {
    return this.#sections.find((section) => section.name === name);
  }

  /** Where the pointers of a section lead to, by their place in it. */
  #targets(section: number): ReadonlyMap<number, Target> {
    const found = new Map<number, Target>();
    const list = this.#sections.find(({ name, info }) => info === section && name.startsWith('.rela'));
    if (list === undefined) return found;
    const [entries, symbols] = [this.#table.content(list.index), this.#table.content(list.link)];
    for (let at = 0; at + RELA_BYTES <= entries.length; at += RELA_BYTES) {
      const symbol = entries.readUInt32LE(at + 12) * SYMBOL_BYTES;
      const offset = Number(symbols.readBigUInt64LE(symbol + 8) + entries.readBigInt64LE(at + 16));
      found.set(Number(entries.readBigUInt64LE(at)), { section: symbols.readUInt16LE(symbol + 6), offset });
    }
    return found;
  }

  #text(target: Target | undefined): string | undefined {
    if (target === undefined) return undefined;
    const { section, offset } = target;
    const text = offset < 0 ? undefined : this.#table.content(section).subarray(offset, offset + NAME_BYTES);
    const end = text?.indexOf(0) ?? -1;
    if (text === undefined || end < 1) throw new ElfError('a name has no end');
    return text.toString('latin1', 0, end);
  }
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new ElfError('the list of replaced functions is damaged');
  return value;
}
