import type { LivepatchRecipe } from '#domain';
import { LOCAL_BUILDER, type Provenance, provenanceOf } from '#livepatch';
import type { KernelRow } from '#store';

/** Who builds, as it is written beside a module. */
export interface BuilderName {
  /** A URI of the operator's choice. */
  readonly id?: string | undefined;
  /** Version of TuxTape. */
  readonly version?: string | undefined;
}

export interface BuiltParts {
  readonly moduleName: string;
  readonly moduleSha256: string;
  readonly recipe: LivepatchRecipe;
  readonly invocationId: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
}

/** Provenance of a livepatch of this kernel. */
export function livepatchProvenance(kernel: KernelRow, parts: BuiltParts, builder: BuilderName = {}): Provenance {
  return provenanceOf({
    ...parts,
    toolchain: kernel.toolchain,
    source: kernel.source,
    sourceVersion: kernel.version,
    configSha256: kernel.configSha256,
    patches: kernel.patches,
    builder: builder.id ?? LOCAL_BUILDER,
    version: builder.version ?? 'unknown',
  });
}
