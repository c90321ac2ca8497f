import { type Linked } from './archives.ts';

/** What is put together for the vmlinux, from its last step back: a name that is not there is passed over. */
const VMLINUX = ['vmlinux', 'vmlinux.unstripped', 'vmlinux.o', 'vmlinux.a'];
/** Linked into programs of their own: the EFI stub of x86 into the boot image (drivers/firmware/efi/libstub/Makefile). */
const BOOT_LINKS = /^arch\/[^/]+\/boot\/(?:compressed\/)?vmlinux$/;

export interface TargetInput {
  readonly linked: Linked;
  /** Link commands: what they make → words. */
  readonly links: ReadonlyMap<string, readonly string[]>;
  readonly archives: readonly string[];
  /** Text of each `.mod` file, by its path. */
  readonly mods: ReadonlyMap<string, string>;
}

/**
 * Object → `vmlinux` or module name. `vmlinux.a` says what is in the vmlinux; older kernels (before 5.18) have only the
 * `built-in.a` of each folder, those before 4.17 `built-in.o`.
 */
export function targetsOfObjects({ linked, links, archives, mods }: TargetInput): Map<string, string> {
  const targets = new Map<string, string>();
  const fromBoot = new Set(
    [...links].flatMap(([made, words]) => (BOOT_LINKS.test(made) ? words.filter((word) => word.endsWith('.a')) : [])),
  );
  const libraries = archives.filter((path) => path.endsWith('lib.a') && !fromBoot.has(path));
  const builtIns = archives.includes('vmlinux.a')
    ? []
    : [...archives, ...links.keys()].filter((path) => /(?:^|\/)built-in\.[ao]$/.test(path));
  for (const object of linked.objectsOf([...builtIns, ...libraries], VMLINUX)) targets.set(object, 'vmlinux');
  for (const [path, text] of mods) {
    const name = path.slice(path.lastIndexOf('/') + 1, -'.mod'.length).replaceAll('-', '_');
    for (const object of linked.objectsOf(objectsOfMod(text))) targets.set(object, name);
  }
  return targets;
}

/**
 * Objects that a `.mod` file names: one a line since 5.19, before that on one line with the symbols it needs on the next;
 * before 5.3 (`.tmp_versions/`) the module on the first line and the objects on the second.
 */
export function objectsOfMod(text: string): string[] {
  return text.split(/\s+/).filter((word) => word.endsWith('.o'));
}
