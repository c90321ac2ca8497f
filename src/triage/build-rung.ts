import type { CveRecord, Evidence, Profile, Proof } from '#domain';
import { type FileFinding, findFile } from './file-finding.ts';

const SHOWN = 4;

/** A fix that was read, and whether it answers every bug that is open here under that id. */
interface Fix {
  readonly proof: Proof;
  readonly answers: boolean;
}

/**
 * Files to look for. The record lists those of the mainline fix; where a fix was found to fit this very source, its files
 * count, by their names here, and a path of the record that this source does not have says nothing any more, unless another
 * bug is open under that id.
 */
function filesOf(record: CveRecord, profile: Profile, { proof, answers }: Fix): string[] {
  const fits = answers && proof.source.outcome === 'vulnerable';
  const listed = record.files.filter((path) => !fits || profile.sources.has(path));
  return [...new Set([...listed, ...proof.paths])];
}

/** Files that history or a list of moves puts elsewhere; never a reason to clear. */
function movedIn(proof: Proof, profile: Profile, arch: string): FileFinding[] {
  return Object.entries(proof.source.moved ?? {}).flatMap(([path, { to, how }]): FileFinding[] => {
    const finding = findFile(to, profile, arch);
    const by = how === 'history' ? 'the history of the fixes' : "the list of the kernel's moves";
    return finding.kind === 'compiled' ? [{ ...finding, path, moved: { to, how: by } }] : [];
  });
}

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
  return proof === null
    ? decideFiles(record.files.map((path) => findFile(path, profile, arch)))
    : decideFiles(findAll(record, profile, arch, { proof, answers }));
}

function findAll(record: CveRecord, profile: Profile, arch: string, fix: Fix): FileFinding[] {
  const moved = movedIn(fix.proof, profile, arch);
  const own = filesOf(record, profile, fix).filter((path) => !moved.some((other) => other.path === path));
  return [...own.map((path) => findFile(path, profile, arch)), ...moved];
}

function decideFiles(findings: readonly FileFinding[]): Evidence {
  if (findings.length === 0)
    return evidenceOf('inconclusive', 'The CVE names no files, so the build profile says nothing.', {});
  const compiled = findings.filter((finding) => finding.kind === 'compiled');
  if (compiled.length > 0)
    return evidenceOf('supports', `${compiled.slice(0, SHOWN).map(compiledText).join('; ')}.`, { findings });
  const undecided = findings.filter((finding) => finding.kind === 'undecided');
  if (undecided.length > 0)
    return evidenceOf('inconclusive', `Not decided by the build: ${reasons(undecided)}.`, { findings });
  const more = findings.length > SHOWN ? ` (and ${findings.length - SHOWN} more files)` : '';
  return evidenceOf('clears', `None of its files is in this build. ${reasons(findings)}${more}.`, { findings });
}

function reasons(findings: readonly FileFinding[]): string {
  const shown = findings.slice(0, SHOWN);
  return shown.flatMap((finding) => ('why' in finding ? [`${finding.path}: ${finding.why}`] : [])).join('; ');
}

function evidenceOf(outcome: Evidence['outcome'], sentence: string, facts: Evidence['facts']): Evidence {
  return { rung: 'build', outcome, sentence, facts };
}

function compiledText({ path, targets, objects, ...finding }: Extract<FileFinding, { kind: 'compiled' }>): string {
  const name = finding.moved === undefined ? path : `${path} (${finding.moved.to} here, by ${finding.moved.how})`;
  const where = targets.slice(0, 3).join(', ') + (targets.length > 3 ? ` and ${targets.length - 3} more` : '');
  const is = finding.predicted === undefined ? 'is compiled' : 'is predicted to be compiled';
  const condition = finding.predicted ? `: ${finding.predicted}` : '';
  const count = objects > 1 ? ` (${objects} objects)` : '';
  const init = finding.initOnly === true ? ', where its code runs at start or removal only' : '';
  return `${name} ${is}${where === '' ? '' : ` into ${where}`}${count}${init}${condition}`;
}
