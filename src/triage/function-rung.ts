import type { Evidence, Profile, Proof } from '#domain';

const SHOWN = 6;
/** So many objects where a function was not found are kept for a replay; a header may have thousands of readers. */
const KEPT = 16;
/** What gcc and clang add to the name of a function that they change or split. */
const CHANGED_BY_COMPILER = /\.(?:isra|constprop|part|cold|llvm|lto_priv|localalias|warm|resume)\b.*$/;

/**
 * Functions that the fix changes, in the symbol tables of the objects that read its files. It never clears: the compiler
 * inlines functions, and leaves out what nobody calls. Null: no function, or no table that says anything.
 */
export function functionRung({ source }: Proof, profile: Profile): Evidence | null {
  const functions = source.hunks.flatMap(({ path, functions: names }) => {
    const here = source.renamed[path] ?? path;
    return names === undefined || names.length === 0 ? [] : [{ path: here, names }];
  });
  const found = functions.map(({ path, names }) => ({ path, names, ...lookUp(path, names, profile) }));
  const known = found.filter(({ state }) => state !== 'unknown');
  if (known.length === 0) return null;
  const present = known.filter(({ state }) => state === 'present');
  const listed = (all: typeof known): string => {
    const names = [...new Set(all.map((one) => one.symbol ?? one.names[0]!))];
    return `${names.slice(0, SHOWN).join(', ')}${names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ''}`;
  };
  const absent = known.filter(({ state }) => state === 'absent');
  const without = `${listed(absent)}: no symbol of its own; the compiler inlined, renamed or left it out`;
  const parts = [
    ...(present.length > 0 ? [`The fix changes functions of this build: ${listed(present)}`] : []),
    ...(absent.length > 0 ? [without] : []),
  ];
  return {
    rung: 'function',
    outcome: present.length > 0 ? 'supports' : 'inconclusive',
    sentence: `${parts.join('. ')}.`,
    facts: { functions: known },
  };
}

interface Symbol {
  readonly state: 'present' | 'absent' | 'unknown';
  /** The name that was found, and the object it was found in. */
  readonly symbol: string | null;
  readonly object: string | null;
  /** Some of those that it was looked for in, where it is absent. */
  readonly objects?: readonly string[];
}

/** Absent only when every object that reads the file has a table, and none of them the function. */
function lookUp(path: string, names: readonly string[], profile: Profile): Symbol {
  const readers = profile.files.get(path) ?? [];
  for (const index of readers) {
    const symbol = names.find((name) => tableOf(profile, index).has(name));
    if (symbol !== undefined) return { state: 'present', symbol, object: profile.objects[index]!.object };
  }
  const isTold = readers.length > 0 && readers.every((index) => (profile.functions[index] ?? []).length > 0);
  if (!isTold) return { state: 'unknown', symbol: null, object: null };
  const objects = readers.slice(0, KEPT).map((index) => profile.objects[index]!.object);
  return { state: 'absent', symbol: null, object: null, objects };
}

const tables = new WeakMap<readonly string[], ReadonlySet<string>>();
const NOTHING: ReadonlySet<string> = new Set();

function tableOf(profile: Profile, index: number): ReadonlySet<string> {
  const names = profile.functions[index];
  if (names === undefined || names.length === 0) return NOTHING;
  const known = tables.get(names) ?? new Set(names.map((name) => name.replace(CHANGED_BY_COMPILER, '')));
  tables.set(names, known);
  return known;
}
