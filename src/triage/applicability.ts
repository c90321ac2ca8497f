import type {
  CveRecord,
  Evidence,
  Fleet,
  Justification,
  Profile,
  Proof,
  Verdict,
  VerdictOverride,
  VerdictStatus,
} from '#domain';
import { buildRung } from './build-rung.ts';
import { conditionRung } from './condition-rung.ts';
import { withFleet } from './fleet-rung.ts';
import { functionRung } from './function-rung.ts';
import { objectRung, proofStands, sourceRung } from './proof-rungs.ts';
import { fixesAnswer, rangesRung } from './ranges.ts';

/** What a verdict is about. `profile` null: the kernel is not built yet, so only the ranges speak. */
export interface TriagedKernel {
  readonly version: string;
  /** What `uname -r` says; null or absent before the build. */
  readonly release?: string | null;
  /** As `uname -m` says it. */
  readonly arch: string;
  readonly profile: Profile | null;
  /** What its hosts have loaded and can load; absent: the fleet rung says nothing. */
  readonly fleet?: Fleet | null;
}

/**
 * The applicability ladder: state, ranges, source, build, condition, function, object, fleet (docs/reference/ladder.md). Each
 * rung adds evidence and may end it. Only positive proof clears; what no rung decides, and where two contradict each
 * other, is `under_investigation`. `proof`: what was found by reading and compiling, as far as that was done.
 */
export function decide(record: CveRecord, kernel: TriagedKernel, proof: Proof | null = null): Verdict {
  if (record.state === 'rejected') return verdict(record, 'not_affected', [rejected()]);
  const { outcome, evidence } = rangesRung(record, kernel.version, kernel.release ?? null);
  const steps: Evidence[] = [evidence];
  const found = proof !== null && proofStands(record, proof) ? proof : null;
  const answers = found !== null && answersAll(record, kernel, found);
  const source = found && asFarAs(answers, sourceRung(found));
  if (source) steps.push(source);
  if (outcome === 'fixed' || outcome === 'not-introduced') {
    // The version says that all is well and the source that the fix is missing: neither is believed.
    if (source?.outcome === 'supports') return verdict(record, 'under_investigation', steps);
    return verdict(record, outcome === 'fixed' ? 'fixed' : 'not_affected', steps);
  }
  if (source?.outcome === 'clears') return verdict(record, 'fixed', steps);
  const affected = outcome === 'affected' ? 'affected' : 'under_investigation';
  if (kernel.profile === null) return verdict(record, affected, steps);
  const build = buildRung(record, kernel.profile, kernel.arch, found, answers);
  if (found === null) {
    const status = build.outcome === 'clears' ? 'not_affected' : build.outcome === 'supports' ? affected : null;
    return withFleet(verdict(record, status ?? 'under_investigation', [...steps, build]), kernel.fleet);
  }
  return withFleet(
    decideProved(record, affected, [...steps, build], { proof: found, profile: kernel.profile, answers }),
    kernel.fleet,
  );
}

/** The rungs that need a proof. The last of `steps` is what the build says. */
function decideProved(
  record: CveRecord,
  affected: VerdictStatus,
  steps: readonly Evidence[],
  { proof, profile, answers }: { readonly proof: Proof; readonly profile: Profile; readonly answers: boolean },
): Verdict {
  const object = objectRung(proof, profile);
  const proved = [conditionRung(proof), functionRung(proof, profile), object].filter((step) => step !== null);
  const rest = proved.map((step) => asFarAs(answers, step));
  const all = [...steps, ...rest];
  const clearing = all.findIndex(({ outcome }) => outcome === 'clears');
  if (clearing >= 0) {
    // The fix changes an object, and another rung says that it changes nothing: neither is believed.
    if (object?.outcome === 'supports') return verdict(record, 'under_investigation', all);
    return verdict(record, 'not_affected', all.slice(0, clearing + 1));
  }
  const build = steps.at(-1);
  const isCompiled = build?.outcome === 'supports' || object?.outcome === 'supports';
  return verdict(record, isCompiled ? affected : 'under_investigation', all);
}

function answersAll(record: CveRecord, { version, release }: TriagedKernel, { fixes }: Proof): boolean {
  return fixesAnswer(record, version, release ?? null, new Set(fixes.map(({ commit }) => commit)));
}

/** What a fix proves clears a CVE only when it answers every bug that is open under that id. */
function asFarAs(answers: boolean, step: Evidence): Evidence {
  if (answers || step.outcome !== 'clears') return step;
  const rest = 'But this CVE has another bug open here, or another fix in this branch, of which that says nothing.';
  return { ...step, outcome: 'inconclusive', sentence: `${step.sentence} ${rest}` };
}

/** A person's word over the ladder's. What the ladder says stays in the evidence, and counts again when the word ends. */
export function overridden(ladder: Verdict, override: VerdictOverride): Verdict {
  const { status, justification, reason, until, author, madeAt } = override;
  const day = (date: Date): string => date.toISOString().slice(0, 10);
  const said = `${author} set this to ${status} on ${day(madeAt)}, until ${day(until)}: ${reason}`;
  const evidence: Evidence = {
    rung: 'person',
    outcome: status === 'not_affected' || status === 'fixed' ? 'clears' : 'supports',
    sentence: `${said} (the ladder says ${ladder.status})`,
    facts: { id: override.id, ladder: ladder.status },
  };
  return { cve: ladder.cve, status, justification, evidence: [...ladder.evidence, evidence] };
}

function verdict(record: CveRecord, status: VerdictStatus, evidence: readonly Evidence[]): Verdict {
  const justification: Justification | null = status === 'not_affected' ? 'vulnerable_code_not_present' : null;
  return { cve: record.id, status, justification, evidence };
}

function rejected(): Evidence {
  return {
    rung: 'state',
    outcome: 'clears',
    sentence: 'The CVE was rejected by its authority: it names no vulnerability.',
    facts: {},
  };
}
