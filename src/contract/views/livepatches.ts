import * as z from 'zod';
import { countedPaging, next, time, words } from './shared.ts';

export const livepatchQuerySchema = z.strictObject({
  kernel: words.optional(),
  cve: words.optional(),
  ...countedPaging,
});

/** A livepatch in a list. `passed` null: it was not proved. */
export const livepatchLineSchema = z.strictObject({
  id: z.string(),
  kernel: z.string(),
  moduleName: z.string(),
  moduleSha256: z.string(),
  engine: z.enum(['kpatch', 'klp']),
  cves: z.array(z.string()),
  functions: z.number().int(),
  findings: z.number().int(),
  passed: z.boolean().nullable(),
  provedAt: z.string().nullable(),
  /** How many people must say yes to it. */
  needed: z.union([z.literal(1), z.literal(2)]),
  builtAt: time,
});

export const livepatchPageSchema = z.strictObject({ livepatches: z.array(livepatchLineSchema), next });

const finding = z.strictObject({
  code: z.string(),
  level: z.enum(['two-approvals', 'note']),
  path: z.string(),
  line: z.number().nullable(),
  what: z.string(),
  why: z.string(),
  remedy: z.string(),
});

const answer = z.strictObject({
  code: z.string(),
  path: z.string(),
  line: z.number().nullable(),
  what: z.string(),
  check: z.string(),
});

/** What was built from what. Null where an old recipe does not say. */
const recipe = z.strictObject({
  engineVersion: z.string(),
  compiler: z.string(),
  buildId: z.string(),
  kernelRelease: z.string(),
  fixCommits: z.array(z.string()),
  patchSha256: z.string(),
  functions: z.array(z.strictObject({ object: z.string(), name: z.string(), hits: z.number().nullable() })),
  sameCode: z.array(z.string()).nullable(),
  fit: z.strictObject({ how: z.string(), remarks: z.array(z.string()) }).nullable(),
  answers: z.array(answer),
  findings: z.array(finding).nullable(),
  authors: z.array(z.string()).nullable(),
});

/** What the proof saw. `detail` and `kernelLog` may hold text of the machine: hostile. */
const gate = z.strictObject({
  startedAt: z.string(),
  seconds: z.number(),
  machine: z.string(),
  passed: z.boolean(),
  checks: z.array(
    z.strictObject({
      name: z.string(),
      part: z.enum(['file', 'machine', 'log']),
      outcome: z.enum(['passed', 'failed', 'warned', 'skipped']),
      detail: z.string(),
    }),
  ),
  reproducer: z
    .strictObject({
      name: z.string(),
      sha256: z.string(),
      before: z.string().nullable(),
      after: z.string().nullable(),
    })
    .nullable(),
  signature: z.strictObject({ signer: z.string(), keyId: z.string(), hash: z.string() }).nullable(),
  moduleBytes: z.number().nullable(),
  /** Its end. */
  kernelLog: z.string(),
});

/** Where its approvals stand. `refused`: the code of why nothing can be said of them, e.g. it was not proved. */
const approvals = z.strictObject({
  refused: z.string().nullable(),
  needed: z.union([z.literal(1), z.literal(2)]),
  why: z.array(z.string()),
  accept: z.array(z.string()),
  counted: z.number().int(),
  enough: z.boolean(),
  missing: z.array(z.string()),
  given: z.array(z.strictObject({ reviewer: z.string(), keyId: z.string(), why: z.string().nullable() })),
});

export const livepatchDetailSchema = z.strictObject({
  ...livepatchLineSchema.shape,
  recipe,
  gate: gate.nullable(),
  approvals,
});

/** The exact change that was compiled. */
export const livepatchPatchSchema = z.strictObject({ sha256: z.string(), text: z.string() });

export type LivepatchQuery = z.input<typeof livepatchQuerySchema>;
export type LivepatchLineView = z.infer<typeof livepatchLineSchema>;
export type LivepatchPage = z.infer<typeof livepatchPageSchema>;
export type LivepatchDetail = z.infer<typeof livepatchDetailSchema>;
export type LivepatchPatch = z.infer<typeof livepatchPatchSchema>;
