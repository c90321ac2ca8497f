import { hasCode, type ObjectComparison, type ObjectFinding, type Profile, type Toolchain } from '#domain';
import { mapLimited } from '#host';
import { compileObject, loadedContents, type Overlay, overlay } from '#kernel';
import { alignedSides } from './align.ts';

/** Once so many objects differ, the rest is not compiled: nothing can make the CVE harmless any more. */
const ENOUGH_DIFFERENT = 8;
/** A section of its own for each function and variable, so that what differs has a name. */
const SECTIONS = ['-ffunction-sections', '-fdata-sections'];
/** Sections that repeat what another one holds: addresses of its calls, unwind tables, checksums of its frames. */
const DERIVED =
  /^(?:__mcount_loc|__patchable_function_entries|\.orc_unwind|\.orc_unwind_ip|\.eh_frame|\.note|\.comment)/;

export interface CompareOptions {
  readonly tree: string;
  readonly toolchain: Toolchain;
  readonly profile: Profile;
  /** Texts with and without the fix, by path in the tree. `before` null: the fix adds the file. */
  readonly changed: ReadonlyMap<string, { readonly before: string | null; readonly after: string }>;
  readonly jobs: number;
  readonly maxObjects: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Proof by compilation: every object that reads a changed file is compiled with and without the fix, with the saved
 * commands and the same line numbers. Only if all of them come out byte for byte the same does the fix change nothing
 * in this kernel. Errors: those of `compileObject`, except for a fix that does not compile: that is undecided.
 */
export async function compareObjects(options: CompareOptions): Promise<ObjectFinding> {
  const { profile, changed, maxObjects, tree } = options;
  const readers = [...new Set([...changed.keys()].flatMap((path) => profile.files.get(path) ?? []))];
  const objects = readers.map((index) => profile.objects[index]!);
  const program = objects.find(({ target }) => target === null);
  if (objects.length === 0) return undecided('no object of the build reads a file that the fix changes');
  if (program !== undefined) return undecided(`${program.object}, a program of the build, reads what the fix changes`);
  if (objects.length > maxObjects)
    return undecided(`${objects.length} objects read what the fix changes, at most ${maxObjects} are compiled`);
  const sides = alignedSides(changed);
  await using old = await overlay(tree, sides.before);
  await using now = await overlay(tree, sides.after);
  let different = 0;
  try {
    const compared = await mapLimited(objects, options.jobs, async ({ object, target }) => {
      if (different >= ENOUGH_DIFFERENT) return null;
      const comparison = await compareOne(options, { object, target: target! }, [old, now]);
      if (!comparison.same) different += 1;
      return comparison;
    });
    const done = compared.filter((comparison) => comparison !== null);
    const made = madeFrom(profile, changed);
    if (different === 0 && made !== undefined) return undecided(made);
    return { outcome: different > 0 ? 'differs' : 'same', why: null, objects: done };
  } catch (error) {
    if (!hasCode(error, 'command-unsupported', 'object-not-compiled', 'object-unreadable')) throw error;
    return undecided(error.message);
  }
}

/** Only the file itself is laid over the tree: what the build generated from it stays as it is, and would look unchanged. */
function madeFrom({ generated }: Profile, changed: CompareOptions['changed']): string | undefined {
  for (const [path, inputs] of generated) {
    const input = inputs.find((each) => changed.has(each));
    if (input !== undefined) return `${path} is generated from ${input}, and is not made again`;
  }
  return undefined;
}

function undecided(why: string): ObjectFinding {
  return { outcome: 'undecided', why, objects: [] };
}

async function compareOne(
  { tree, toolchain, signal }: CompareOptions,
  { object, target }: { object: string; target: string },
  sides: readonly [Overlay, Overlay],
): Promise<ObjectComparison> {
  const both = async (flags: readonly string[]): Promise<[Buffer, Buffer]> => {
    const compile = (side: Overlay): Promise<Buffer> =>
      compileObject({ tree, toolchain, object, overlay: side, flags, signal });
    return [await compile(sides[0]), await compile(sides[1])];
  };
  const named = await both(SECTIONS);
  // The names come from another command than the proof: what is the same must also be so with the command of the build.
  const [before, after] = named[0].equals(named[1]) ? await both([]) : named;
  if (before.equals(after)) return { object, target, same: true, changes: [] };
  return { object, target, same: false, changes: changesOf(...named, object) };
}

function changesOf(before: Buffer, after: Buffer, object: string): string[] {
  if (!object.endsWith('.o')) return [];
  const [old, now] = [loadedContents(before, object), loadedContents(after, object)];
  const names = [...old.keys(), ...now.keys()].filter((name) => !DERIVED.test(name) && old.get(name) !== now.get(name));
  return [...new Set(names.map((name) => name.replace(/^\.text\.(?:unlikely\.)?(?=\w)/, '')))].toSorted();
}
