import type { Profile } from '#domain';
import { type Built, needBuilt, type TreeLayout } from '#kernel';
import type { EngineJob } from '#livepatch';
import { type FileDiff, type Finding, lintTree, parseDiff, refuseBlocking, refuseBuildFiles } from '#patch';
import type { KernelRow, Store } from '#store';
import { type ComposePlace, composeOptions } from './change.ts';
import { type Change, changeFor, type LivepatchInput } from './livepatch-change.ts';
import type { ObjectInspection } from './livepatch-objects.ts';
import { withNeeds } from './needs.ts';
import { patchPlace } from './patch-place.ts';

/** A change that nothing speaks against so far. */
export interface Prepared {
  readonly kernel: KernelRow;
  readonly layout: TreeLayout;
  readonly built: Built;
  readonly profile: Profile;
  readonly place: ComposePlace;
  readonly change: Change;
  readonly files: readonly FileDiff[];
  readonly findings: readonly Finding[];
}

/** Everything that can be refused before a compiler runs. */
export async function prepare(store: Store, name: string, input: LivepatchInput): Promise<Prepared> {
  const place = await patchPlace(store, name, null);
  const { kernel, layout, profile } = place;
  const built = await needBuilt(layout);
  const change = await changeFor(place, input);
  const files = parseDiff(change.text, change.where);
  refuseBuildFiles(files, change.where);
  const findings = await lintTree(layout.build, files, profile);
  refuseBlocking(findings);
  return { kernel, layout, built, profile, place: { ...place, fixes: change.fixes }, change, files, findings };
}

/** The work of an engine on it. */
export function jobOf(
  { kernel, layout, profile, change }: Prepared,
  { jobs, signal }: { readonly jobs: number; readonly signal?: AbortSignal | undefined },
  own: Pick<EngineJob, 'moduleName' | 'work' | 'onOutput'> & { readonly objects: ObjectInspection },
): EngineJob {
  const { objects, ...rest } = own;
  const { wantsTypes, inspect } = objects;
  const { toolchain, version } = kernel;
  return { layout, toolchain, version, profile, patch: change.text, wantsTypes, inspect, jobs, signal, ...rest };
}

/** What the change lacks, where the compiler says that it lacks something. */
export async function explained(error: unknown, { place, change }: Prepared, output: string): Promise<unknown> {
  const { store, kernel, fixes } = place;
  if (fixes === null) return error;
  return withNeeds(error, { store, kernel, fixes, parts: change.parts, options: composeOptions(place) }, output);
}
