import type { Profile } from '#domain';
import { blindToDebugInfo } from '#kernel';
import { knownMoves } from '#patch';

/** What the build says about one program file of a fix. `how`: what is said beside "compiled". */
export type FileFinding = { readonly path: string } & Finding;

type Finding =
  | {
      readonly kind: 'compiled';
      readonly targets: string[];
      readonly objects: number;
      /** All of its code runs at start or removal only. */
      readonly initOnly?: true;
      /** Nothing was built: Makefiles and configuration say so. */
      readonly predicted?: string;
      /** Its name in this tree, where that is another one, and how it was found. */
      readonly moved?: { readonly to: string; readonly how: string };
    }
  | { readonly kind: 'not-compiled'; readonly why: string }
  | { readonly kind: 'undecided'; readonly why: string };

/** Source and header files: they stand in the `.cmd` of every object that reads them, so absence is proof. */
const COMPILED_SUFFIX = /\.(?:c|h|S|rs)$/;
/** Files that Makefiles name; what reads a header they do not say. */
const CODE_SUFFIX = /\.(?:c|S|rs)$/;
/** Never part of a kernel build. */
const NOT_CODE =
  /^(?:Documentation\/|LICENSES\/|tools\/testing\/|tools\/perf\/|tools\/bpf\/bpftool\/|tools\/power\/|MAINTAINERS$|CREDITS$|\.)/;
/** Programs and rules that shape the build without being compiled into it: their effect cannot be seen in a profile. */
const SHAPES_BUILD = /(?:^|\/)(?:Kconfig[^/]*|Makefile[^/]*|Kbuild[^/]*)$|^(?:scripts|tools|certs|usr)\//;

/** Folder below arch/ of each architecture, as `uname -m` names it. */
const ARCH_FOLDER: Readonly<Record<string, string>> = { x86_64: 'x86', aarch64: 'arm64' };

/** Many CVEs name the same files, and a header may have thousands of readers. */
const found = new WeakMap<Profile, { readonly arch: string; readonly findings: Map<string, FileFinding> }>();

/**
 * Looks one file up. Everything unsure is `undecided`: a path that this source tree does not have (renamed, or of another
 * branch), a file whose effect goes through the build system (Kconfig, Makefile, scripts, most of `tools/`), an input of
 * generated code or a device tree that no object reads, what only programs of the build read, and any file while the profile is incomplete.
 *
 * Absence is proof as far as the origin of the profile goes. `build`: every file that a compiler reads. `debug-info`: `.c`
 * files that are not linked by themselves (`blindToDebugInfo`); one that another one includes is in the line tables when it gave
 * code, so absence says that it gave none. `config`: only a file whose condition is known and false.
 */
export function findFile(path: string, profile: Profile, arch: string): FileFinding {
  const before = found.get(profile);
  const known = before?.arch === arch ? before : { arch, findings: new Map<string, FileFinding>() };
  if (known !== before) found.set(profile, known);
  const finding = known.findings.get(path);
  if (finding !== undefined) return finding;
  const made = { path, ...lookUp(path, profile, arch) };
  known.findings.set(path, made);
  return made;
}

function lookUp(path: string, profile: Profile, arch: string): Finding {
  const built = compiledIn(path, profile);
  if (built !== null) return built;
  if (!profile.sources.has(path)) return elsewhere(path, profile);
  // What a Makefile that was not understood could name is "unknown" in the predictions already.
  if (profile.unreadable.length > 0 && profile.origin !== 'config')
    return { kind: 'undecided', why: `${profile.unreadable.length} files of the build could not be read` };
  if (profile.origin === 'config' && profile.predictions.has(path)) return predicted(path, profile);
  if (NOT_CODE.test(path)) return { kind: 'not-compiled', why: 'it is no code of the kernel' };
  if (SHAPES_BUILD.test(path))
    return { kind: 'undecided', why: 'it shapes the build instead of being compiled into it' };
  if (profile.origin === 'config') return predicted(path, profile);
  if (profile.origin === 'debug-info') return inDebugInfo(path);
  const folder = /^arch\/([^/]+)\//.exec(path)?.[1];
  // Device trees of arm64 include those of arm; bindings are read under other names (scripts/dtc/include-prefixes).
  if (/\.dtsi?$|^include\/dt-bindings\//.test(path))
    return { kind: 'undecided', why: 'no object reads it under this name, and a device tree may under another' };
  if (folder !== undefined && ARCH_FOLDER[arch] !== undefined && folder !== ARCH_FOLDER[arch]) {
    return { kind: 'not-compiled', why: `it is code of the ${folder} architecture` };
  }
  if (profile.files.has(path))
    return { kind: 'undecided', why: 'only programs of the build read it, and what they make may be in the kernel' };
  if (COMPILED_SUFFIX.test(path)) return { kind: 'not-compiled', why: 'no object of the build was compiled from it' };
  return { kind: 'undecided', why: 'no object reads it, and it may shape one as the input of generated code' };
}

function compiledIn(path: string, profile: Profile): Finding | null {
  const { objects, targets, initOnly } = readersOf(path, profile);
  const prediction = profile.origin === 'config' ? profile.predictions.get(path) : undefined;
  if (objects === 0 && prediction?.state !== 'built') return null;
  return {
    kind: 'compiled',
    targets,
    objects,
    ...(initOnly ? { initOnly: true as const } : {}),
    ...(profile.origin === 'config' ? { predicted: prediction?.condition ?? '' } : {}),
  };
}

/** Objects of the kernel that read a file; what they are linked into, sorted. Neighbours mostly share that. */
function readersOf(path: string, profile: Profile): { objects: number; targets: string[]; initOnly: boolean } {
  const targets = new Set<string>();
  let [objects, initOnly, last]: [number, boolean, string | null] = [0, true, null];
  for (const index of profile.files.get(path) ?? []) {
    const object = profile.objects[index]!;
    if (object.target === null) continue;
    objects += 1;
    initOnly &&= object.initOnly === true;
    if (object.target !== last) targets.add((last = object.target));
  }
  return { objects, targets: [...targets].sort(), initOnly: initOnly && objects > 0 };
}

/** Under the other name that the kernel's history gives it, a file can only be found to be there. */
function elsewhere(path: string, profile: Profile): Finding {
  for (const to of knownMoves(path).filter((name) => profile.sources.has(name))) {
    const built = compiledIn(to, profile);
    if (built?.kind === 'compiled') return { ...built, moved: { to, how: "the list of the kernel's moves" } };
  }
  return {
    kind: 'undecided',
    why: 'this source tree has no such file: it was renamed, or belongs to another branch',
  };
}

function predicted(path: string, profile: Profile): Finding {
  const prediction = profile.predictions.get(path);
  if (prediction?.state === 'left-out' && CODE_SUFFIX.test(path))
    return { kind: 'not-compiled', why: `predicted: ${prediction.condition}` };
  return { kind: 'undecided', why: 'without a build it is not known whether an object reads it' };
}

function inDebugInfo(path: string): Finding {
  if (!blindToDebugInfo(path)) return { kind: 'not-compiled', why: 'no debug information names it' };
  return { kind: 'undecided', why: 'debug information need not name it' };
}
