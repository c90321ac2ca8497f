import type { CveRecord, Evidence, Profile, Proof } from '#domain';
import { type FileFinding, findFile } from './file-finding.ts';

const SHOWN = 4;

/**
 * Files to look for. The record lists those of the mainline fix; where a fix was found to fit this very source, its files
 * count, by their names here, and a path of the record that this source does not have says nothing any more, unless another
 * bug is open under that id.
 */
function filesOf(record: CveRecord, profile: Profile, proof: Proof, answers: boolean): string[] {
  const fits = answers && proof.source.outcome === 'vulnerable';
  const listed = record.files.filter((path) => !fits || profile.sources.has(path));
  return [...new Set([...listed, ...proof.paths])];
}

/** Files that history or a list of moves puts elsewhere; never a reason to clear. */
function movedIn(proof: Proof | null, profile: Profile, arch: string): Found[] {
  const moves = Object.entries(proof?.source.moved ?? {});
  return moves.flatMap(([path, { to, how }]): Found[] => {
    const finding = findFile(to, profile, arch);
    const by = how === 'history' ? 'the history of the fixes' : "the list of the kernel's moves";
    return finding.kind === 'compiled' ? [{ path, ...finding, moved: { to, how: by } }] : [];
  });
}

type Found = FileFinding & { readonly path: string };

/** Most CVEs are decided without a proof, and then by their files alone. */
const decided = new WeakMap<Profile, WeakMap<readonly string[], Readonly<Record<string, Evidence>>>>();

/**
 * Decides by what was compiled. A CVE is cleared only when every one of its files is known not to be in the build.
 * `answers`: the fix of the proof answers every bug that is open here under that id.
 */
export function buildRung(
  record: CveRecord,
  profile: Profile,
  arch: string,
  proof: Proof | null = null,
  answers = true,
): Evidence {
  if (proof !== null) return decideFiles(filesOf(record, profile, proof, answers), profile, arch, proof);
  const known = decided.get(profile) ?? new WeakMap<readonly string[], Readonly<Record<string, Evidence>>>();
  decided.set(profile, known);
  const before = known.get(record.files)?.[arch];
  if (before !== undefined) return before;
  const evidence = decideFiles(record.files, profile, arch, null);
  known.set(record.files, { [arch]: evidence });
  return evidence;
}

function decideFiles(files: readonly string[], profile: Profile, arch: string, proof: Proof | null): Evidence {
  if (files.length === 0)
    return evidenceOf('inconclusive', 'The CVE names no files, so the build profile says nothing.', {});
  const own = files.map((path): Found => ({ path, ...findFile(path, profile, arch) }));
  const moved = movedIn(proof, profile, arch);
  const findings = [...own.filter(({ path }) => !moved.some((other) => other.path === path)), ...moved];
  const compiled = findings.filter((finding) => finding.kind === 'compiled');
  if (compiled.length > 0)
    return evidenceOf('supports', `${compiled.slice(0, SHOWN).map(compiledText).join('; ')}.`, { findings });
  const undecided = findings.filter((finding) => finding.kind === 'undecided');
  if (undecided.length > 0) {
    const parts = undecided.slice(0, SHOWN).map(({ path, why }) => `${path}: ${why}`);
    return evidenceOf('inconclusive', `Not decided by the build: ${parts.join('; ')}.`, { findings });
  }
  const parts = findings.flatMap(({ path, ...finding }) => ('why' in finding ? [`${path}: ${finding.why}`] : []));
  const more = parts.length > SHOWN ? ` (and ${parts.length - SHOWN} more files)` : '';
  const sentence = `None of its files is in this build. ${parts.slice(0, SHOWN).join('; ')}${more}.`;
  return evidenceOf('clears', sentence, { findings });
}

function evidenceOf(outcome: Evidence['outcome'], sentence: string, facts: Evidence['facts']): Evidence {
  return { rung: 'build', outcome, sentence, facts };
}

function compiledText({ path, targets, objects, ...finding }: Extract<Found, { kind: 'compiled' }>): string {
  const name = finding.moved === undefined ? path : `${path} (${finding.moved.to} here, by ${finding.moved.how})`;
  const where = targets.slice(0, 3).join(', ') + (targets.length > 3 ? ` and ${targets.length - 3} more` : '');
  const is = finding.predicted === undefined ? 'is compiled' : 'is predicted to be compiled';
  const condition = finding.predicted ? `: ${finding.predicted}` : '';
  const count = objects > 1 ? ` (${objects} objects)` : '';
  const init = finding.initOnly === true ? ', where its code runs at start or removal only' : '';
  return `${name} ${is}${where === '' ? '' : ` into ${where}`}${count}${init}${condition}`;
}
