import type { Engine, PatchedFunction, Profile, Toolchain } from '#domain';
import type { TreeLayout } from '#kernel';
import type { ObjectPair } from '../lint/objects.ts';

export interface EngineJob {
  readonly layout: TreeLayout;
  readonly toolchain: Toolchain;
  /** Version of the kernel's source. */
  readonly version: string;
  readonly profile: Profile;
  /** The exact patch text; it reaches the engine as a file, never a command line. */
  readonly patch: string;
  /** Types of the objects are looked at, too: the pairs then come with debug information beside them. */
  readonly wantsTypes: boolean;
  /** Told of all pairs, equal ones too, before any tool makes something of them; what it throws ends the build. */
  readonly inspect: (pairs: readonly ObjectPair[]) => Promise<void>;
  readonly moduleName: string;
  readonly jobs: number;
  /** A folder of this job alone, for the patch and the output. */
  readonly work: string;
  readonly signal?: AbortSignal | undefined;
  readonly onOutput: (text: string) => void;
}

export interface EngineResult {
  /** Path of the module, inside `work`. */
  readonly module: string;
  readonly engineVersion: string;
  /** What the engine said it replaces; `object` is `vmlinux` or the name of a module. */
  readonly changed: readonly PatchedFunction[];
}

/** A tool that makes a livepatch module of a patch. */
export interface LivepatchEngine {
  readonly name: Engine;
  /** Null when it can build for this kernel version, else why not. */
  refuses(version: string): string | null;
  build(job: EngineJob): Promise<EngineResult>;
}
