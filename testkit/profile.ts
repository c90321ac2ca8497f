import type { Profile, ProfileObject } from '#domain';

/** One compiled object; what a test does not say is as in most objects of a kernel. */
export function compiled(object: string, source: string, target: string | null = 'vmlinux'): ProfileObject {
  return { object, source, target, initOnly: false };
}

/** A profile of a build made of the parts a test is about. */
export function profileOfParts(part: Partial<Profile> & Pick<Profile, 'objects'>): Profile {
  const files = part.files ?? new Map(part.objects.map(({ source }, index) => [source, [index]]));
  return {
    origin: 'build',
    files,
    sources: new Set(files.keys()),
    unreadable: [],
    generated: new Map(),
    functions: part.objects.map(() => []),
    predictions: new Map(),
    ...part,
  };
}
