import { hasCode, type LivepatchOrder, type Profile, type RecipeAnswer } from '#domain';
import { type Built, needBuilt } from '#kernel';
import { LivepatchError, moduleNameOf } from '#livepatch';
import {
  apart,
  type FileDiff,
  type Finding,
  leaveOutExports,
  leaveOutInit,
  lintRules,
  lintTree,
  parseDiff,
  refuseBlocking,
  refuseBuildFiles,
  renderDiff,
} from '#patch';
import type { KernelRow, Store } from '#store';
import { type ComposePlace, composeOptions } from './change.ts';
import { type Change, changeFor, type LivepatchInput } from './livepatch-change.ts';
import type { MakePlace } from './livepatch-make.ts';
import { withNeeds } from './needs.ts';
import { patchPlace } from './patch-place.ts';

/** A change that nothing speaks against so far. */
export interface Prepared extends MakePlace {
  readonly kernel: KernelRow;
  readonly place: ComposePlace;
  readonly change: Change;
  /** What is to be made of it. */
  readonly order: LivepatchOrder;
  readonly findings: readonly Finding[];
  readonly answers: readonly RecipeAnswer[];
}

/** Everything that can be refused before a compiler runs. `answers`: what the lint knows an answer to is answered. */
export async function prepare(
  store: Store,
  name: string,
  input: LivepatchInput,
  { answers = true }: { readonly answers?: boolean | undefined } = {},
): Promise<Prepared> {
  const place = await patchPlace(store, name, null);
  const { kernel, layout, profile } = place;
  const built = await needBuilt(layout);
  const whole = await changeFor(place, input);
  const all = parseDiff(whole.text, whole.where);
  refuseBuildFiles(all, whole.where);
  const found = await lintTree(layout.build, all, profile);
  const given = answers ? await answer(layout.build, all, found, profile) : { files: all, answers: [] };
  const { files } = given;
  const isWhole = given.answers.length === 0;
  const findings = isWhole ? found : await lintTree(layout.build, files, profile);
  refuseBlocking(findings);
  const change = isWhole ? whole : { ...whole, text: renderDiff(files) };
  const { toolchain, version } = kernel;
  const common = { kernel, layout, toolchain, version, profile, place: { ...place, fixes: change.fixes } };
  return { ...common, change, order: orderOf(built, change), findings, answers: given.answers };
}

function orderOf({ buildId, release: kernelRelease }: Built, { cves, text: patch }: Change): LivepatchOrder {
  return { buildId, kernelRelease, moduleName: moduleNameOf(buildId, cves, patch), patch };
}

async function answer(
  tree: string,
  files: readonly FileDiff[],
  findings: readonly Finding[],
  profile: Profile,
): Promise<{ readonly files: readonly FileDiff[]; readonly answers: readonly RecipeAnswer[] }> {
  const split = apart(files, findings);
  const found = split === files ? findings : await lintTree(tree, split, profile);
  const init = leaveOutInit(split, found);
  const exported = leaveOutExports(init.files, found);
  const answers = [
    ...init.answered.map((one) => answered('init-hunk-left-out', one, INIT_CHECK)),
    ...exported.answered.map((one) => answered('export-left-out', one, EXPORT_CHECK)),
  ];
  return answers.length === 0 ? { files, answers } : { files: exported.files, answers };
}

const INIT_CHECK = 'the rest of the fix closes the hole in a kernel that has started without this hunk';
const EXPORT_CHECK = 'no module outside of this livepatch needs the export for the hole to be closed';

function answered(code: RecipeAnswer['code'], { path, line, what }: Finding, check: string): RecipeAnswer {
  return { code, path, line, what, check };
}

/** Why it failed: what the change lacks, where the compiler says that it lacks something. */
export async function explained(caught: unknown, prepared: Prepared, output: string): Promise<unknown> {
  const { place, change } = prepared;
  const error = emptied(caught, prepared);
  const { store, kernel, fixes } = place;
  if (fixes === null) return error;
  return withNeeds(error, { store, kernel, fixes, parts: change.parts, options: composeOptions(place) }, output);
}

/** Without the hunks that were left out nothing changes: the fix is in what was left out, and the kernel is not free of the bug. */
function emptied(error: unknown, { answers, change }: Prepared): unknown {
  const [first] = answers;
  if (first === undefined || !hasCode(error, 'nothing-changed')) return error;
  const { why, remedy } = lintRules['init-only'];
  const what = `${first.what}, and the rest of the fix alters no compiled code: ${why}`;
  return new LivepatchError('nothing-left', 'patch', { what, where: change.where, remedy, cause: error });
}
