import { basename } from 'node:path';
import type { LivepatchDetail, LivepatchLineView } from '#contract';
import { type ApprovalState, approvalNeed, type GateRecord, type LivepatchRecipe } from '#domain';
import type { FoundApproval, LivepatchApprovals } from '#pipeline';
import type { LivepatchLine, LivepatchRow } from '#store';

/** Characters of the kernel log of a proof that are told: its end. */
const MOST_LOG = 64 << 10;

export function livepatchLineView({ recipe, builtAt, ...row }: LivepatchLine): LivepatchLineView {
  return {
    ...row,
    engine: recipe.engine,
    cves: [...recipe.cves],
    functions: recipe.functions.length,
    findings: recipe.findings?.length ?? 0,
    needed: approvalNeed(recipe).needed,
    builtAt: builtAt.toISOString(),
  };
}

/** `approvals`: as they were found; or the code of why nothing can be said of them. */
export function livepatchDetailView(
  row: LivepatchRow,
  kernel: string,
  approvals: LivepatchApprovals | string,
): LivepatchDetail {
  const { id, moduleName, moduleSha256, recipe, gate, builtAt } = row;
  const passed = gate?.passed ?? null;
  const line = { id, kernel, moduleName, moduleSha256, recipe, passed, provedAt: gate?.startedAt ?? null, builtAt };
  return {
    ...livepatchLineView(line),
    recipe: recipeView(recipe, gate),
    gate: gate && gateView(gate),
    approvals:
      typeof approvals === 'string'
        ? { ...nothingGiven(recipe), refused: approvals }
        : { ...approvalsView(approvals.state, approvals.approvals, row.directory), refused: null },
  };
}

function recipeView(recipe: LivepatchRecipe, gate: GateRecord | null): LivepatchDetail['recipe'] {
  const { engineVersion, compiler, buildId, kernelRelease, patchSha256, fit, findings, sameCode, authors } = recipe;
  return {
    ...{ engineVersion, compiler, buildId, kernelRelease, patchSha256 },
    fixCommits: [...recipe.fixCommits],
    functions: recipe.functions.map(({ object, name }) => {
      const ran = gate?.functions.find((one) => one.object === object && one.name === name);
      return { object, name, hits: ran?.hits ?? null };
    }),
    sameCode: sameCode === undefined ? null : [...sameCode],
    fit: fit === undefined ? null : { how: fit.how, remarks: [...fit.remarks] },
    answers: (recipe.answers ?? []).map(({ code, path, line, what, check }) => ({ code, path, line, what, check })),
    findings:
      findings === undefined
        ? null
        : findings.map(({ code, level, path, line, what, why, remedy }) => {
            return { code, level, path, line, what, why, remedy };
          }),
    authors: authors === undefined ? null : [...authors],
  };
}

function gateView(gate: GateRecord): LivepatchDetail['gate'] {
  const { startedAt, seconds, machine, passed, reproducer, signature, moduleBytes, kernelLog } = gate;
  return {
    ...{ startedAt, seconds, machine, passed, moduleBytes },
    checks: gate.checks.map(({ name, part, outcome, detail }) => ({ name, part, outcome, detail })),
    reproducer: reproducer && {
      name: reproducer.name,
      sha256: reproducer.sha256,
      before: reproducer.before,
      after: reproducer.after,
    },
    signature: signature && { signer: signature.signer, keyId: signature.keyId, hash: signature.hash },
    kernelLog: kernelLog.slice(-MOST_LOG),
  };
}

type Approvals = Omit<LivepatchDetail['approvals'], 'refused'>;

function nothingGiven(recipe: LivepatchRecipe): Approvals {
  const { needed, why, accept } = approvalNeed(recipe);
  return { needed, why: [...why], accept: [...accept], counted: 0, enough: false, missing: [], given: [] };
}

/** Where a sentence names a file beside the module, its place on this machine is left out. */
function approvalsView(state: ApprovalState, found: readonly FoundApproval[], directory: string): Approvals {
  const told = (text: string): string => text.replaceAll(directory, basename(directory));
  return {
    needed: state.needed,
    why: [...state.why],
    accept: [...state.accept],
    counted: state.counted,
    enough: state.enough,
    missing: state.missing.map(told),
    given: found.map(({ reviewer, keyId, why }) => ({ reviewer, keyId, why: why === null ? null : told(why) })),
  };
}
