import { join } from 'node:path';
import type { LivepatchRecipe, Toolchain } from '#domain';
import { runSandboxed } from '#host';
import { functionUsers, objectParts, type TreeLayout } from '#kernel';
import { functionNames, lintObjects, type ObjectPair, plainName } from '#livepatch';
import { type FileDiff, type Finding, type NamedChange, namedChange, oldTexts, refuseBlocking } from '#patch';

const NM_TIMEOUT_MS = 60_000;
const MAX_NAMES_BYTES = 256 << 20;

/** Looks at the pairs of objects of one build. */
export interface ObjectInspection {
  readonly wantsTypes: boolean;
  /** Gathers into `findings`. Errors: those of `refuseBlocking` and `lintObjects`. */
  readonly inspect: (pairs: readonly ObjectPair[]) => Promise<void>;
  readonly findings: Finding[];
  /** Functions that the change names, with the same code on both sides of every pair that has them; known after `inspect`. */
  readonly sameCode: Set<string>;
  /** As the recipe has it; known after `inspect`. */
  readonly leftBehind: LeftBehind[];
}

type LeftBehind = NonNullable<LivepatchRecipe['leftBehind']>[number];

/** What the text of a change lets one expect of its objects, held against them. */
export async function objectInspection(
  layout: TreeLayout,
  toolchain: Toolchain,
  files: readonly FileDiff[],
): Promise<ObjectInspection> {
  const texts = await oldTexts(
    layout.build,
    files.map(({ path }) => path),
  );
  const named: NamedChange = namedChange(files, (path) => texts.get(path));
  const [findings, sameCode, leftBehind]: [Finding[], Set<string>, LeftBehind[]] = [[], new Set(), []];
  const inspect = async (pairs: readonly ObjectPair[]): Promise<void> => {
    for (const name of sameIn(pairs, named.functions)) sameCode.add(name);
    leftBehind.push(...pairs.flatMap((pair) => leftIn(pair, named.functions)));
    const names = await namesOf(layout, toolchain);
    const found = await lintObjects(pairs, { types: named.outside, expected: named.functions, names });
    findings.push(...found);
    refuseBlocking(found);
  };
  return { wantsTypes: named.outside, inspect, findings, sameCode, leftBehind };
}

function sameIn(pairs: readonly ObjectPair[], names: ReadonlySet<string>): string[] {
  const [same, different] = [new Set<string>(), new Set<string>()];
  for (const pair of pairs) {
    const [before, after] = [codesOf(pair.before, pair.object), codesOf(pair.after, pair.object)];
    for (const name of names) {
      const [old, now] = [before.get(name), after.get(name)];
      if (old !== undefined || now !== undefined) (old === now ? same : different).add(name);
    }
  }
  return [...same].filter((name) => !different.has(name)).toSorted();
}

/**
 * Static functions that gcc inlined or compiled to a clone of another name than before: no engine can tell what takes their
 * place, so the old code stays; nothing runs it once all that call it are replaced.
 */
function leftIn({ object, before, after }: ObjectPair, names: ReadonlySet<string>): LeftBehind[] {
  if (typeof before === 'string' || typeof after === 'string') return [];
  const now = new Set(objectParts(after, object).functions.map(({ name }) => name));
  return [...functionUsers(before, object)].flatMap(([name, { functions, isOpen }]) => {
    const plain = plainName(name);
    if (isOpen || now.has(name) || !names.has(plain)) return [];
    // A cold part is reached from its function alone.
    const callers = functions.map((caller) => caller.replace(/\.cold(?:\.\d+)?$/, ''));
    return [{ name, callers: [...new Set(callers)].filter((caller) => plainName(caller) !== plain).toSorted() }];
  });
}

/** By the name in the source: the digests of a function and of the clones that the compiler made of it. */
function codesOf(object: Buffer | string, where: string): Map<string, string> {
  const codes = new Map<string, string>();
  if (typeof object === 'string') return codes;
  for (const { name, digest } of objectParts(object, where).functions) {
    const plain = plainName(name);
    codes.set(plain, `${codes.get(plain) ?? ''} ${name} ${digest}`);
  }
  return codes;
}

/** How often the deployed kernel has a function of a name. */
async function namesOf(layout: TreeLayout, { root }: Toolchain): Promise<ReadonlyMap<string, number>> {
  const mounts = [{ from: join(layout.out, 'vmlinux'), to: '/mnt/vmlinux' }];
  const options = { timeoutMs: NM_TIMEOUT_MS, maxOutput: MAX_NAMES_BYTES };
  return functionNames((await runSandboxed({ root, mounts, cwd: '/mnt' }, 'nm', ['vmlinux'], options)).stdout);
}
