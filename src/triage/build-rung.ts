import type { CveRecord, Evidence, Profile, Proof } from '#domain';

/** What the build says about one program file of a fix. */
export type FileFinding =
  | { readonly kind: 'compiled'; readonly targets: string[]; readonly objects: number }
  | { readonly kind: 'not-compiled'; readonly why: string }
  | { readonly kind: 'undecided'; readonly why: string };

/** Source and header files: they stand in the `.cmd` of every object that reads them, so absence is proof. */
const COMPILED_SUFFIX = /\.(?:c|h|S|rs)$/;
/** Never part of a kernel build. */
const NOT_CODE =
  /^(?:Documentation\/|LICENSES\/|samples\/|tools\/testing\/|tools\/perf\/|tools\/bpf\/bpftool\/|tools\/power\/|MAINTAINERS$|CREDITS$|\.)/;
/** Programs and rules that shape the build without being compiled into it: their effect cannot be seen in a profile. */
const SHAPES_BUILD = /(?:^|\/)(?:Kconfig[^/]*|Makefile[^/]*|Kbuild[^/]*)$|^(?:scripts|tools|certs|usr)\//;

/** Folder below arch/ of each architecture, as `uname -m` names it. */
const ARCH_FOLDER: Readonly<Record<string, string>> = { x86_64: 'x86', aarch64: 'arm64' };

/**
 * Looks one file up. Everything unsure is `undecided`: a path that this source tree does not have (renamed, or of another
 * branch), a file whose effect goes through the build system, and any file while the profile is incomplete.
 */
export function findFile(path: string, profile: Profile, arch: string): FileFinding {
  const known = found.get(profile) ?? new Map<string, FileFinding>();
  found.set(profile, known);
  const key = `${arch} ${path}`;
  const finding = known.get(key) ?? lookUp(path, profile, arch);
  known.set(key, finding);
  return finding;
}

/** Many CVEs name the same files, and a header may have thousands of readers. */
const found = new WeakMap<Profile, Map<string, FileFinding>>();

function lookUp(path: string, profile: Profile, arch: string): FileFinding {
  const objects = (profile.files.get(path) ?? [])
    .map((index) => profile.objects[index]!)
    .filter(({ target }) => target !== null);
  if (objects.length > 0) {
    return {
      kind: 'compiled',
      targets: [...new Set(objects.map(({ target }) => target!))].sort(),
      objects: objects.length,
    };
  }
  if (!profile.sources.has(path))
    return {
      kind: 'undecided',
      why: 'this source tree has no such file: it was renamed, or belongs to another branch',
    };
  if (profile.unreadable.length > 0)
    return { kind: 'undecided', why: `${profile.unreadable.length} command files of the build could not be read` };
  if (NOT_CODE.test(path)) return { kind: 'not-compiled', why: 'it is no code of the kernel' };
  if (SHAPES_BUILD.test(path))
    return { kind: 'undecided', why: 'it shapes the build instead of being compiled into it' };
  const folder = /^arch\/([^/]+)\//.exec(path)?.[1];
  if (folder !== undefined && ARCH_FOLDER[arch] !== undefined && folder !== ARCH_FOLDER[arch]) {
    return { kind: 'not-compiled', why: `it is code of the ${folder} architecture` };
  }
  if (COMPILED_SUFFIX.test(path)) return { kind: 'not-compiled', why: 'no object of the build was compiled from it' };
  return { kind: 'undecided', why: 'it is the input of generated code, which the profile does not trace' };
}

/**
 * Files to look for. The record lists those of the mainline fix; where a fix was found to fit this very source, its files
 * count, by their names here, and a path of the record that this source does not have says nothing any more.
 */
function filesOf(record: CveRecord, profile: Profile, proof: Proof | null): string[] {
  if (proof === null) return [...record.files];
  const fits = proof.source.outcome === 'vulnerable';
  const listed = record.files.filter((path) => !fits || profile.sources.has(path));
  return [...new Set([...listed, ...proof.paths])];
}

/** Decides by what was compiled. A CVE is cleared only when every one of its files is known not to be in the build. */
export function buildRung(record: CveRecord, profile: Profile, arch: string, proof: Proof | null = null): Evidence {
  const files = filesOf(record, profile, proof);
  if (files.length === 0) {
    return {
      rung: 'build',
      outcome: 'inconclusive',
      sentence: 'The CVE names no files, so the build profile says nothing.',
      facts: {},
    };
  }
  const findings = files.map((path) => ({ path, ...findFile(path, profile, arch) }));
  const compiled = findings.filter((finding) => finding.kind === 'compiled');
  if (compiled.length > 0) {
    const parts = compiled.slice(0, 4).map(({ path, targets, objects }) => {
      const where = targets.slice(0, 3).join(', ') + (targets.length > 3 ? ` and ${targets.length - 3} more` : '');
      return `${path} is compiled into ${where}${objects > 1 ? ` (${objects} objects)` : ''}`;
    });
    return { rung: 'build', outcome: 'supports', sentence: `${parts.join('; ')}.`, facts: { findings } };
  }
  const undecided = findings.filter((finding) => finding.kind === 'undecided');
  if (undecided.length > 0) {
    const parts = undecided.slice(0, 4).map(({ path, why }) => `${path}: ${why}`);
    return {
      rung: 'build',
      outcome: 'inconclusive',
      sentence: `Not decided by the build: ${parts.join('; ')}.`,
      facts: { findings },
    };
  }
  const parts = findings
    .slice(0, 4)
    .map((finding) => `${finding.path}: ${finding.kind === 'not-compiled' ? finding.why : ''}`);
  const more = findings.length > 4 ? ` (and ${findings.length - 4} more files)` : '';
  return {
    rung: 'build',
    outcome: 'clears',
    sentence: `None of its files is in this build. ${parts.join('; ')}${more}.`,
    facts: { findings },
  };
}
