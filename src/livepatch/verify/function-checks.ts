import type { GateCheck, LivepatchRecipe, PatchedFunction } from '#domain';
import { check, some } from './check.ts';
import type { KernelSymbols } from './kernel-symbols.ts';

/** What one hunk of the fix changes: the names that its functions may have, and what its file is linked into. */
export interface HunkFunctions {
  readonly path: string;
  /** Empty: it stands in no function, or in one whose name is not known. */
  readonly names: readonly string[];
  /** `vmlinux` and modules. Empty: the file is in none by itself (a header, or not built). */
  readonly objects: readonly string[];
  /** The configuration leaves its lines out. */
  readonly isLeftOut: boolean;
}

/** What gcc puts behind the name of a function that it changed or split. */
const COMPILER_SUFFIX = /(?:\.(?:isra|constprop|part|cold|llvm|localalias)(?:\.\d+)?)+$/;

export function plainName(name: string): string {
  return name.replace(COMPILER_SUFFIX, '');
}

type ReplacingRecipe = Pick<LivepatchRecipe, 'functions' | 'sameCode' | 'leftBehind'>;

/**
 * The functions that the engine replaced, held against those that the hunks of the fix name. A named function that stands
 * in the kernel's symbol table and is not replaced is a defect: its old code goes on running; unless the compiler makes the same
 * code of it (`sameCode`), or all that call it are replaced (`leftBehind`). One that stands nowhere was inlined, and its callers
 * are replaced in its place. `hunks` null: the fix was not looked at.
 */
export function functionChecks(
  recipe: ReplacingRecipe,
  hunks: readonly HunkFunctions[] | null,
  kernel: KernelSymbols,
): GateCheck[] {
  const { functions } = recipe;
  const list = functions.map(({ object, name }) => `${object}:${name}`);
  const checks = [
    check('file', 'it replaces functions', functions.length > 0, some(list, 40)),
    symbolsCheck(functions, kernel),
  ];
  const name = 'the functions that the fix names are replaced';
  if (hunks === null) return [...checks, check('file', name, 'skipped', 'the fix was not held against the source')];
  return [...checks, namedCheck(name, recipe, hunks, kernel)];
}

function symbolsCheck(functions: readonly PatchedFunction[], kernel: KernelSymbols): GateCheck {
  const missing = functions.filter(({ object, name }) => (kernel.of(object)?.get(name) ?? 0) === 0);
  const names = missing.map(({ object, name }) => `${object}:${name}`);
  const detail = names.length > 0 ? `missing: ${some(names)}` : `${functions.length} functions`;
  return check('file', 'what it replaces is in the kernel', names.length === 0, detail);
}

function namedCheck(
  name: string,
  recipe: ReplacingRecipe,
  hunks: readonly HunkFunctions[],
  kernel: KernelSymbols,
): GateCheck {
  const { functions } = recipe;
  const same = new Set(recipe.sameCode);
  const replaced = new Set(functions.map((one) => plainName(one.name)));
  const named = hunks.filter(({ names, isLeftOut }) => names.length > 0 && !isLeftOut);
  const left = named.filter(({ names }) => !names.some((one) => replaced.has(one)));
  const equal = left.filter(({ names }) => names.some((one) => same.has(one)));
  const unreached = left.filter((hunk) => !equal.includes(hunk) && isUnreached(hunk, recipe, kernel));
  const open = left.filter((hunk) => !equal.includes(hunk) && !unreached.includes(hunk));
  const [missed, inlined] = [open.filter((hunk) => stands(hunk, kernel)), open.filter((hunk) => !stands(hunk, kernel))];
  const known = new Set(named.flatMap(({ names }) => names));
  const others = [...new Set(functions.map((one) => one.name))].filter((one) => !known.has(plainName(one)));
  const sentences = [
    ...sentence('not replaced, although the fix changes them', missed.map(labelOf)),
    ...sentence('compiled to the same code', equal.map(labelOf)),
    ...sentence('inlined or renamed, and all that call the old code are replaced', unreached.map(labelOf)),
    ...sentence('inlined', inlined.map(labelOf)),
    ...sentence('replaced because they contain changed code', others),
  ];
  return check('file', name, missed.length === 0, sentences.join('; ') || 'these and no others');
}

/**
 * Every function of these names that the kernel has is called by nothing but what is replaced. A name that stands for
 * several functions proves nothing, unless each of them is listed.
 */
function isUnreached({ names, objects }: HunkFunctions, recipe: ReplacingRecipe, kernel: KernelSymbols): boolean {
  const left = Map.groupBy(recipe.leftBehind ?? [], ({ name }) => name);
  const isReplaced = (name: string): boolean =>
    recipe.functions.some((one) => one.name === name && kernel.of(one.object)?.get(name) === 1);
  const isDead = (name: string, count: number): boolean => {
    const all = left.get(name) ?? [];
    return all.length >= count && all.every(({ callers }) => callers.every(isReplaced));
  };
  const standing = objects.flatMap((object) => [...(kernel.of(object) ?? [])]);
  const old = standing.filter(([one]) => names.includes(plainName(one)) && !/\.cold(?:\.|$)/.test(one));
  return old.length > 0 && old.every(([one, count]) => isDead(one, count));
}

function labelOf({ path, names }: HunkFunctions): string {
  return `${names[0]!} (${path})`;
}

function sentence(what: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`${what}: ${some([...new Set(names)])}`];
}

/** Has the object that the file is linked into such a function of its own? */
function stands({ names, objects }: HunkFunctions, kernel: KernelSymbols): boolean {
  return objects.some((object) => {
    const symbols = kernel.of(object);
    return symbols !== undefined && [...symbols.keys()].some((one) => names.includes(plainName(one)));
  });
}
