import type { FunctionHits, GateCheck, GateRecord, ReproducerResult } from '#domain';
import { sha256 } from '#host';
import { check } from './check.ts';
import type { FileFindings } from './file-checks.ts';
import { logChecks } from './log-checks.ts';
import { redirectionCheck } from './redirection.ts';
import { FIXED, REPRODUCED } from './reproducer-steps.ts';
import type { PlanRun } from './run-plan.ts';
import type { BootFindings, Session } from './session.ts';
import type { ProofSubject } from './subject.ts';
import type { Workload } from './workload.ts';

const MAX_LOG = 256 << 10;

/** What was found of one livepatch, by the time its record is written. */
export interface Found {
  readonly file: FileFindings;
  /** Null: its file failed, and no machine saw it. */
  readonly machine: {
    readonly run: PlanRun;
    readonly boot: BootFindings;
    readonly session: Session;
    readonly workload: Workload;
    readonly bootSeconds: number;
  } | null;
  readonly startedAt: string;
  readonly seconds: number;
}

export function gateRecord(subject: ProofSubject, found: Found): GateRecord {
  const { recipe, moduleName, module } = subject;
  const { file, machine } = found;
  const checks = [...file.checks, ...(machine === null ? [] : machineChecks(subject, machine))];
  const unmeasured: readonly FunctionHits[] = recipe.functions.map((one) => ({ ...one, hits: null }));
  return {
    version: 2,
    moduleName,
    moduleSha256: sha256(module),
    patchSha256: recipe.patchSha256,
    buildId: recipe.buildId,
    kernelRelease: recipe.kernelRelease,
    engine: recipe.engine,
    startedAt: found.startedAt,
    seconds: tenths(found.seconds),
    bootSeconds: tenths(machine?.bootSeconds ?? 0),
    machine: `qemu-system-x86_64 (${machine?.session.accelerator ?? 'none'})`,
    checks,
    passed: machine !== null && checks.length > 0 && checks.every(({ outcome }) => outcome !== 'failed'),
    functions: machine?.run.hits ?? unmeasured,
    reproducer: reproducerOf(subject, machine?.run),
    signature: file.signature,
    moduleBytes: module.length,
    kernelLog: ((machine?.run.earlierLog ?? '') + (machine?.run.log ?? '')).slice(-MAX_LOG),
  };
}

function machineChecks(
  { moduleName, recipe }: ProofSubject,
  { run, boot, workload }: NonNullable<Found['machine']>,
): GateCheck[] {
  const lacking =
    workload.lacks === null ? [] : [check('machine', 'the workload is whole', 'warned', `without ${workload.lacks}`)];
  return [
    ...boot.checks,
    ...lacking,
    ...run.checks,
    ...redirectionCheck(run.outcomes),
    ...logChecks(run.log, moduleName, recipe, boot.reports),
  ];
}

function reproducerOf({ reproducer = null }: ProofSubject, run: PlanRun | undefined): ReproducerResult | null {
  if (reproducer === null) return null;
  const told = (step: string): string | null => {
    const judgement = run?.outcomes.get(step);
    return judgement === undefined ? null : `${judgement.outcome}: ${judgement.detail.slice(0, 500)}`;
  };
  return {
    name: reproducer.name,
    sha256: sha256(reproducer.content),
    before: told(REPRODUCED),
    after: told(FIXED),
  };
}

function tenths(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}
