import type { CveLineView, CveView, DecisionView, Kernel, Standing, Status, VerdictView } from '#contract';
import { type Decision, describeSignal, predictedBand, severityOf } from '#domain';
import type { Explained, Freshness } from '#pipeline';
import type { CveLine, CveRow, KernelRow, VerdictRow } from '#store';

export function sourceView({
  source,
  state,
  address,
  at,
  newest,
  bundled,
  failure,
}: Freshness): Status['sources'][number] {
  return {
    source,
    state,
    address: bundled ? 'sample' : address,
    at: at?.toISOString() ?? null,
    newest: newest?.toISOString() ?? null,
    bundled,
    failure: failure && { at: failure.at.toISOString(), code: failure.code, reason: failure.reason },
  };
}

export function standingView({ priority, signals }: Explained): Standing {
  const { cve, class: standing, weight, terms } = priority;
  return {
    cve,
    class: standing,
    weight,
    terms: [...terms],
    signals: signals.map(({ value, at, readAt }) => ({
      source: value.source,
      at,
      readAt: readAt.toISOString(),
      sentence: describeSignal(value),
    })),
  };
}

/** The wire's view of a kernel: no paths of this machine. */
export function kernelView(row: KernelRow): Kernel {
  return {
    id: row.id,
    name: row.name,
    version: row.version,
    release: row.release,
    buildId: row.buildId,
    compiler: row.toolchain.compiler,
    bundled: row.bundled,
  };
}

export function verdictView({ verdict, title, score, vector, files, predicted, ...row }: VerdictRow): VerdictView {
  return {
    cve: verdict.cve,
    title,
    status: verdict.status,
    justification: verdict.justification,
    severity: severityOf(score),
    score,
    vector,
    predicted: score === null && predicted !== null ? predictedBand(predicted) : null,
    class: row.class,
    reach: row.reach,
    files: [...files],
    evidence: verdict.evidence.map(({ rung, outcome, sentence }) => ({ rung, outcome, sentence })),
  };
}

export function cveLineView({ announced, ...line }: CveLine): CveLineView {
  const { id, state, source, title, files, score, vector, epss, predicted, weight, reach } = line;
  return {
    ...{ id, state, source, title, files, score, vector, epss, predicted, weight, reach, class: line.class },
    announced: announced?.toISOString() ?? null,
  };
}

export function cveView({ record, score }: CveRow, told: Explained): CveView {
  const { id, state, source, title, description, files, ranges, cvssVector, references } = record;
  const point = (end: CveRow['record']['ranges'][number]['fixed']) =>
    end && { version: end.version ?? null, commit: end.commit ?? null };
  return {
    ...{ id, state, source, title, description, files: [...files], score, vector: cvssVector },
    ranges: ranges.map(({ introduced, fixed }) => ({ introduced: point(introduced), fixed: point(fixed) })),
    predicted: told.predicted,
    references: [...references],
    standing: standingView(told),
    decisions: told.decisions.map(decisionView),
  };
}

export function decisionView({ until, madeAt, revoked, ...rest }: Decision): DecisionView {
  const { id, cve, kind, score, mitigation, reason, untilPatched, author } = rest;
  return {
    ...{ id, cve, kind, score, mitigation, reason, untilPatched, author },
    until: until?.toISOString() ?? null,
    madeAt: madeAt.toISOString(),
    revoked: revoked && { at: revoked.at.toISOString(), by: revoked.by },
  };
}
