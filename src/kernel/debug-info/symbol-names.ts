import type { FunctionSymbol } from './relocate.ts';

/** What a compiler appends to the name of a function that it split, cloned or made local (GCC, clang with LTO). */
const CLONE_SUFFIX = /\.(?:isra|constprop|part|cold|localalias|lto_priv|llvm|__uniq)\..*$|\.(?:cold|localalias)$/;

/** A unit as far as names of functions are put to it. */
export interface NamedCode {
  readonly functions: Set<string>;
}

/**
 * Adds the functions that only the symbol table names. GCC folds functions with equal code into one (-fipa-icf): debug
 * information then describes one of them, the others are symbols with its address, or jumps to it which it does not describe
 * at all. A symbol belongs to the unit of the function that begins there; else to those of the functions before and behind
 * it, which are two only at the edge of an object: a name too many hides nothing, one too few could.
 */
export function addSymbolNames(symbols: readonly FunctionSymbol[], codeAt: ReadonlyMap<bigint, NamedCode>): void {
  const known = new Map(codeAt);
  const byName = new Map<string, NamedCode | null>();
  for (const unit of new Set(codeAt.values()))
    for (const name of unit.functions) byName.set(name, byName.has(name) ? null : unit);
  const named = symbols.map(({ name, address }) => ({ name: name.replace(CLONE_SUFFIX, ''), address }));
  // Functions in several parts have no one address in debug information; the symbol of their name has it.
  for (const { name, address } of named) {
    const unit = byName.get(name);
    if (unit !== undefined && unit !== null && !known.has(address)) known.set(address, unit);
  }
  const starts = BigUint64Array.from(known.keys()).sort();
  for (const { name, address } of named)
    for (const unit of unitsAt(address, known, starts)) if (!unit.functions.has(name)) unit.functions.add(name);
}

function unitsAt(address: bigint, known: ReadonlyMap<bigint, NamedCode>, starts: BigUint64Array): NamedCode[] {
  const exact = known.get(address);
  if (exact !== undefined) return [exact];
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle]! < address) low = middle + 1;
    else high = middle;
  }
  return [starts[low - 1], starts[low]].flatMap((start) => (start === undefined ? [] : (known.get(start) ?? [])));
}
