import type { LivepatchOrder, MadeParts, Profile, RecipeFinding, Toolchain } from '#domain';
import type { TreeLayout } from '#kernel';
import { buildModule, engineFor } from '#livepatch';
import { type Finding, parseDiff } from '#patch';
import { objectInspection } from './livepatch-objects.ts';

/** A built kernel, as a machine has it that makes livepatches of it. */
export interface MakePlace {
  readonly layout: TreeLayout;
  readonly toolchain: Toolchain;
  /** Version of the kernel's source. */
  readonly version: string;
  readonly profile: Profile;
}

export interface MakeOptions {
  /** Compilations at once. */
  readonly jobs: number;
  /** A folder of this job alone. */
  readonly work: string;
  readonly signal?: AbortSignal | undefined;
  readonly onOutput: (text: string) => void;
}

/** A module, and what is known of how it came to be. */
export interface Made extends MadeParts {
  readonly bytes: Buffer;
  readonly sha256: string;
  /** The builder that made it; null: this process did. */
  readonly builder: string | null;
}

/** Makes a module of an order for a kernel: in this process, or by asking a builder. */
export type Maker = (place: MakePlace, order: LivepatchOrder, options: MakeOptions) => Promise<Made>;

/** Makes it here. Needs no database. Errors: those of `buildModule` and of looking at the objects. */
export const makeHere: Maker = async (
  { layout, toolchain, version, profile },
  order,
  { jobs, work, signal, onOutput },
) => {
  const engine = engineFor(version);
  const { moduleName, patch, kernelRelease } = order;
  const objects = await objectInspection(layout, toolchain, parseDiff(patch, moduleName));
  onOutput(`${engine.name} builds ${moduleName}\n`);
  const { wantsTypes, inspect } = objects;
  const how = { jobs, work, signal, onOutput, wantsTypes, inspect };
  const job = { layout, toolchain, version, profile, patch, moduleName, ...how };
  const { bytes, sha256, engineVersion, functions } = await buildModule(engine, job, kernelRelease);
  const { sameCode, leftBehind } = objects;
  const findings = objects.findings.flatMap(recorded);
  return { bytes, sha256, engineVersion, functions, sameCode: [...sameCode], leftBehind, findings, builder: null };
};

/** What blocks was thrown before. */
export function recorded({ code, level, path, line, what, why, remedy }: Finding): RecipeFinding[] {
  return level === 'block' ? [] : [{ code, level, path, line, what, why, remedy }];
}
