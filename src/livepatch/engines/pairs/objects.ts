import type { Profile, ProfileObject } from '#domain';
import type { ChangedText } from '#patch';
import { LivepatchError } from '../../error.ts';
import type { Confined } from './confine.ts';

/** An object of the kernel, and what it is linked into. */
export type KernelObject = ProfileObject & { readonly target: string };

/**
 * Objects that are linked by themselves, run before there is a tracer, or are used by the tracer: kpatch's compiler wrapper leaves
 * them out without a word (kpatch-cc 0.9), klp-build refuses patches of most of them.
 */
const LEFT_OUT =
  /^(?:arch\/x86\/(?:boot|entry\/vdso|purgatory|realmode|tools|vdso)\/|drivers\/firmware\/efi\/libstub\/|init\/version(?:-timestamp)?\.o$|kernel\/system_certificates\.o$|lib\/|tools\/)/;
/** An object is compiled twice, about a second each. */
const MAX_OBJECTS = 200;

/** What is left might not fit a change of these. Errors: object-left-out. */
export function refuseLeftOut(different: readonly KernelObject[]): void {
  const wrong = different.find(isLeftOut);
  if (wrong === undefined) return;
  throw new LivepatchError('object-left-out', 'patch', {
    what: `${wrong.object} changes, whose code cannot be redirected: it is linked by itself, or the tracer uses it`,
    where: wrong.source,
    remedy: 'answer this CVE with another measure: a mitigation, or a new kernel and a reboot',
  });
}

export function isLeftOut({ object, target }: KernelObject): boolean {
  return target === 'image' || LEFT_OUT.test(object);
}

/**
 * Objects that read a changed file, of a confined header only those that it can reach. Errors: nothing-changed, when no object does; header-blast, when too many do;
 * build-input-changed, when what the build generates, or a program of the build, is made from one.
 */
export function affectedObjects(
  profile: Profile,
  changed: ReadonlyMap<string, ChangedText>,
  confined: readonly Confined[] = [],
): KernelObject[] {
  const reached = new Map(confined.map((one) => [one.path, one.reached]));
  const readersOf = (path: string): readonly number[] => profile.files.get(path) ?? [];
  const indexes = (some: (path: string) => readonly number[]): number[] => [
    ...new Set([...changed.keys()].flatMap(some)),
  ];
  const readers = indexes(readersOf).map((index) => profile.objects[index]!);
  const objects = indexes((path) => [...(reached.get(path) ?? readersOf(path))])
    .map((index) => profile.objects[index]!)
    .filter((object): object is KernelObject => object.target !== null);
  const program = readers.find(({ target }) => target === null);
  if (program !== undefined)
    throw buildInput(`${program.object}, a program of the build, reads what the patch changes`);
  for (const [made, inputs] of profile.generated) {
    const input = inputs.find((each) => changed.has(each));
    if (input !== undefined) throw buildInput(`${made} is generated from ${input}`);
  }
  if (objects.length === 0)
    throw new LivepatchError('nothing-changed', 'patch', {
      what: 'no object of this kernel reads a file that the patch changes',
      where: [...changed.keys()].join(', ').slice(0, 300),
      remedy: 'this kernel is not affected by the change: its code is not built in',
    });
  if (objects.length > MAX_OBJECTS)
    throw new LivepatchError('header-blast', 'patch', {
      what: `${objects.length} objects read what the patch changes, at most ${MAX_OBJECTS} are compiled`,
      where: [...changed.keys()].filter((path) => readersOf(path).length > MAX_OBJECTS).join(', '),
      remedy: 'move the change of the header into the files that need it; that is a decision of a person',
    });
  return objects;
}

function buildInput(what: string): LivepatchError {
  return new LivepatchError('build-input-changed', 'patch', {
    what,
    where: 'the build',
    remedy: 'answer this CVE with another measure: a mitigation, or a new kernel and a reboot',
  });
}
