import { realpath } from 'node:fs/promises';
import { relative } from 'node:path';
import type { Profile, ProfileObject } from '#domain';
import { exists } from '#host';
import { KernelError } from './error.ts';
import { Linked } from './profile/archives.ts';
import { type Maker, Tracer } from './profile/generated.ts';
import { knownInputs } from './profile/known-inputs.ts';
import { type Listing, listTree, sourcesOf } from './profile/list.ts';
import { ListMap } from './profile/list-map.ts';
import { NOTHING, type ObjectFacts, readObject } from './profile/object-facts.ts';
import type { Commands } from './profile/part.ts';
import { isCommandFile } from './profile/read-commands.ts';
import { FileReader } from './profile/read-file.ts';
import { Readers } from './profile/readers.ts';
import { Reading } from './profile/reading.ts';
import { inTree, type RecordedRoots, recordedRoots } from './profile/recorded-paths.ts';
import { targetsOfObjects } from './profile/targets.ts';

/**
 * Reads the profile of a finished build from what Kbuild left there: `.*.cmd` (what each object was compiled from, what each
 * file was generated from), `*.mod` and archives (what each object is linked into), and the objects' own symbol tables.
 * Nothing wraps make, so any build works, in its source or apart from it (`O=`), also when both were moved since:
 * `source` is where its source lies now; without it, the folder that the build's own `source` link names, or `build`.
 * Errors: cmd-unreadable, when no command file can be read (single broken ones are listed in `unreadable`);
 * source-not-a-kernel, for a folder that cannot be listed.
 */
export async function readProfile(build: string, source?: string): Promise<Profile> {
  using reading = new Reading(build);
  const listing = await listTree(build, { onCmd: (path) => isCommandFile(path) && reading.add(path) });
  const home = source ?? (await ownSource(build));
  const sources = await sourcesBeside(build, home, listing);
  const commands = await reading.finish();
  if (commands.compilations.length === 0) {
    throw new KernelError('cmd-unreadable', 'kernel-source', {
      what: 'the tree holds no command file of a finished build',
      where: build,
      remedy: 'build the kernel first; "make clean" removes what a profile is read from',
    });
  }
  const known = await Promise.all([build, home].map((folder) => realpath(folder)));
  const roots = recordedRoots(commands.recorded, known);
  const { objects, unexplained } = objectsOf(build, commands, listing, roots);
  const readers = new Readers(commands, roots);
  const missing = withoutSource(objects, sources, listing, commands);
  const generated = traceGenerated({ commands, objects, readers, sources, roots });
  const facts = objects.map(({ object, source, target }, i) =>
    factsOf(build, { object, source, target }, commands.compilations[i]!.facts),
  );
  return {
    origin: 'build',
    objects: objects.map((object, i) => ({ ...object, initOnly: facts[i]!.initOnly })),
    files: new ListMap(readers.paths, (number) => readers.list(number), throughGenerated(generated, readers)),
    sources,
    unreadable: [...commands.unreadable, ...missing, ...[...unexplained].map(withoutCommand)],
    generated,
    functions: facts.map(({ functions }) => functions),
    predictions: new Map(),
  };
}

/** The source of a build apart from it: its `source` link (top Makefile, outputmakefile). */
async function ownSource(build: string): Promise<string> {
  const link = `${build}/source`;
  const inside = await exists(`${build}/Kbuild`);
  return !inside && (await exists(`${link}/Kbuild`)) && (await exists(`${link}/Makefile`)) ? link : build;
}

async function sourcesBeside(build: string, source: string, listing: Listing): Promise<ReadonlySet<string>> {
  const [there, here] = await Promise.all([realpath(source), realpath(build)]);
  if (there === here) return sourcesOf(listing);
  const nested = relative(there, here);
  return sourcesOf(await listTree(there, { skip: (folder) => folder === nested }));
}

interface Objects {
  readonly objects: ProfileObject[];
  /** Named by an archive, a module or a link, without a command file: what is in them is not known. */
  readonly unexplained: ReadonlySet<string>;
}

function objectsOf(build: string, commands: Commands, { archives, mods }: Listing, roots: RecordedRoots): Objects {
  const files = new FileReader();
  const compiled = commands.compilations.map(({ object, source, forKernel }) => ({
    object: inTree(object, roots),
    source: inTree(source, roots),
    forKernel,
  }));
  const names = new Set(compiled.map(({ object }) => object));
  const read = (path: string): Buffer | null => {
    const length = files.read(`${build}/${path}`);
    return length < 0 ? null : files.bytes.subarray(0, length);
  };
  const linked = new Linked(read, commands.links, (path) => names.has(path));
  const texts = new Map(mods.map((path) => [path, read(path)?.toString('utf8') ?? '']));
  const targets = targetsOfObjects({ linked, links: commands.links, archives, mods: texts });
  const objects = compiled.map(({ object, source, forKernel }) => ({
    object,
    source,
    target: targets.get(object) ?? (forKernel ? 'image' : null),
    initOnly: null,
  }));
  return { objects, unexplained: linked.unexplained };
}

/**
 * Objects of the kernel whose source is neither in the source tree nor anything the build made: the source is another
 * one than was built, so that absence from it says nothing.
 */
function withoutSource(
  objects: readonly ProfileObject[],
  sources: ReadonlySet<string>,
  listing: Listing,
  { others, links }: Commands,
): string[] {
  const lost = objects.filter(
    ({ source, target }) => target !== null && !source.startsWith('/') && !sources.has(source),
  );
  if (lost.length === 0) return [];
  // Beside a source of its own, the files of an `O=` folder are made ones; those of a source tree need not be.
  const madeHere = listing.sources.has('Kbuild') ? [listing.products] : [listing.products, listing.sources];
  const explained = (path: string): boolean =>
    madeHere.some((made) => made.has(path)) || others.has(path) || links.has(path) || knownInputs(path) !== undefined;
  return lost
    .filter(({ source }) => !explained(source))
    .map(({ object, source }) => `${source}, the source of ${object}, is not in this source tree`);
}

function withoutCommand(object: string): string {
  return `${object} is linked into the kernel, and no command file says what it was made from`;
}

interface Traced {
  readonly commands: Commands;
  readonly objects: readonly ProfileObject[];
  readonly readers: Readers;
  readonly sources: ReadonlySet<string>;
  readonly roots: RecordedRoots;
}

/** Generated files that an object reads → the files of the source tree they are made from. */
function traceGenerated({ commands, objects, readers, sources, roots }: Traced): Map<string, readonly string[]> {
  const makers = new Map<string, Maker>();
  for (const [made, command] of commands.others) makers.set(inTree(made, roots), { kind: 'command', command });
  const inputs = objects.map(({ source }) => new Set([source]));
  for (const [number, path] of readers.paths.entries())
    if (!path.endsWith('.h')) for (const index of readers.list(number)) inputs[index]!.add(path);
  for (const [i, { object, target }] of objects.entries())
    makers.set(object, { kind: 'compile', inputs: [...inputs[i]!], host: target === null });
  const tracer = new Tracer({ makers, sources, roots });
  const made = readers.paths.filter((path) => !sources.has(path) && !/^(?:\/|\.\.\/|include\/config\/)/.test(path));
  return new Map(made.toSorted().map((path) => [path, tracer.inputsOf(path)]));
}

/** Inputs of generated files → the objects that read the latter, or the input itself. */
function throughGenerated(generated: ReadonlyMap<string, readonly string[]>, readers: Readers): Map<string, number[]> {
  const found = new Map<string, Set<number>>();
  for (const [path, inputs] of generated)
    for (const input of inputs) {
      const indexes = found.get(input) ?? new Set(readers.of(input));
      for (const index of readers.of(path)) indexes.add(index);
      found.set(input, indexes);
    }
  return new Map([...found].map(([path, indexes]) => [path, [...indexes].toSorted((a, b) => a - b)]));
}

/** What an object says: looked at already when its command shows it is for the kernel; not at all when it is not. */
function factsOf(build: string, object: Omit<ProfileObject, 'initOnly'>, read: ObjectFacts): ObjectFacts {
  if (object.target === null) return NOTHING;
  const skipped = read.initOnly === null && read.functions.length === 0;
  const linked = object.target !== 'image' && object.object.endsWith('.o');
  return skipped && linked ? readObject(`${build}/${object.object}`, object.source) : read;
}

/** Modules of the profile and how many objects each target has. */
export function targetsOf(profile: Profile): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { target } of profile.objects) if (target !== null) counts.set(target, (counts.get(target) ?? 0) + 1);
  return counts;
}
