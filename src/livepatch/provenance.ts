import type { LivepatchRecipe, SourceOrigin, Toolchain } from '#domain';

/** in-toto Attestation Framework, Statement v1, and SLSA v1.0 provenance. */
export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
export const PREDICATE_TYPE = 'https://slsa.dev/provenance/v1';
/** What `externalParameters` mean is told in docs/reference/provenance.md. */
export const BUILD_TYPE = 'urn:tuxtape:build:livepatch:1';
/** A builder that nobody has named; what one that is named is called by is for its operator to say. */
export const LOCAL_BUILDER = 'urn:tuxtape:builder:local';

/** A ResourceDescriptor (in-toto, spec/v1/resource_descriptor.md): with at least one of `digest` and `content`. */
export interface Resource {
  readonly name: string;
  readonly digest?: Readonly<Record<string, string>>;
  /** Base64. */
  readonly content?: string;
  readonly mediaType?: string;
  readonly annotations?: Readonly<Record<string, unknown>>;
}

export interface Provenance {
  readonly _type: typeof STATEMENT_TYPE;
  readonly subject: readonly { readonly name: string; readonly digest: { readonly sha256: string } }[];
  readonly predicateType: typeof PREDICATE_TYPE;
  readonly predicate: {
    readonly buildDefinition: {
      readonly buildType: typeof BUILD_TYPE;
      readonly externalParameters: Readonly<Record<string, unknown>>;
      readonly internalParameters: Readonly<Record<string, unknown>>;
      readonly resolvedDependencies: readonly Resource[];
    };
    readonly runDetails: {
      readonly builder: { readonly id: string; readonly version: Readonly<Record<string, string>> };
      readonly metadata: {
        readonly invocationId: string;
        readonly startedOn: string;
        readonly finishedOn: string;
      };
    };
  };
}

export interface ProvenanceFacts {
  readonly moduleName: string;
  readonly moduleSha256: string;
  readonly recipe: LivepatchRecipe;
  readonly toolchain: Toolchain;
  /** Null: not recorded. */
  readonly source: SourceOrigin | null;
  /** Version of the kernel's source. */
  readonly sourceVersion: string;
  readonly configSha256: string;
  /** Patches of a local queue that are in the source. */
  readonly patches: readonly { readonly name: string; readonly sha256: string }[];
  readonly builder: string;
  /** Version of TuxTape. */
  readonly version: string;
  readonly invocationId: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
}

/** What a module was built from, by whom and when, as a statement to be signed with it. Paths of the machine are not in it. */
export function provenanceOf(facts: ProvenanceFacts): Provenance {
  const { recipe, moduleName, moduleSha256 } = facts;
  return {
    _type: STATEMENT_TYPE,
    subject: [{ name: `${moduleName}.ko`, digest: { sha256: moduleSha256 } }],
    predicateType: PREDICATE_TYPE,
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: {
          kernel: { buildId: recipe.buildId, release: recipe.kernelRelease },
          patch: { sha256: recipe.patchSha256 },
          cves: recipe.cves,
          moduleName,
        },
        internalParameters: { engine: recipe.engine, functions: recipe.functions },
        resolvedDependencies: dependencies(facts),
      },
      runDetails: {
        builder: { id: facts.builder, version: { tuxtape: facts.version, engine: recipe.engineVersion } },
        metadata: {
          invocationId: facts.invocationId,
          startedOn: facts.startedAt.toISOString(),
          finishedOn: facts.finishedAt.toISOString(),
        },
      },
    },
  };
}

function dependencies({
  recipe,
  source,
  sourceVersion,
  configSha256,
  patches,
  toolchain,
}: ProvenanceFacts): Resource[] {
  const digest = source === null ? null : digestOf(source);
  const described = { version: sourceVersion, kind: source?.kind ?? 'not recorded' };
  return [
    digest === null
      ? { name: 'kernel source', ...text(`Linux ${sourceVersion}`), annotations: described }
      : { name: 'kernel source', digest, annotations: described },
    { name: 'kernel configuration', digest: { sha256: configSha256 } },
    ...patches.map(({ name, sha256 }) => ({ name: `local patch ${name}`, digest: { sha256 } })),
    { name: 'kernel', digest: { buildId: recipe.buildId }, annotations: { release: recipe.kernelRelease } },
    { name: 'patch', digest: { sha256: recipe.patchSha256 } },
    ...recipe.fixCommits.map((commit) => ({ name: 'fix commit', digest: { gitCommit: commit } })),
    toolchainOf(toolchain, recipe.compiler),
  ];
}

function digestOf(source: SourceOrigin): Record<string, string> | null {
  if (source.kind === 'directory') return null;
  return source.kind === 'git' ? { gitCommit: source.commit } : { sha256: source.sha256 };
}

/** Its programs by their versions; an image by its digest, too. */
function toolchainOf({ kind, linker, image, tools = {} }: Toolchain, compiler: string): Resource {
  const programs = { compiler, ...(linker === null ? {} : { linker }), ...tools };
  const [algorithm, value] = image?.split(':') ?? [];
  return {
    name: 'toolchain',
    ...(algorithm === undefined || value === undefined ? {} : { digest: { [algorithm]: value } }),
    ...text(JSON.stringify(programs)),
    annotations: { kind, ...programs },
  };
}

function text(value: string): Pick<Resource, 'content' | 'mediaType'> {
  return { content: Buffer.from(value).toString('base64'), mediaType: 'text/plain' };
}
