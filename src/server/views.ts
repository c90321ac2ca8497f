import type { Kernel, VerdictView } from '#contract';
import { severityOf } from '#domain';
import type { KernelRow, VerdictRow } from '#store';

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

export function verdictView({ verdict, title, score, vector, files }: VerdictRow): VerdictView {
  return {
    cve: verdict.cve,
    title,
    status: verdict.status,
    justification: verdict.justification,
    severity: severityOf(score),
    score,
    vector,
    files: [...files],
    evidence: verdict.evidence.map(({ rung, outcome, sentence }) => ({ rung, outcome, sentence })),
  };
}
