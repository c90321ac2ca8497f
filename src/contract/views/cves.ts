import * as z from 'zod';
import { priorityClasses, reachClasses } from '#domain';
import { evidenceSchema, severitySchema, verdictStatusSchema } from '../schemas.ts';
import { countedPaging, next, time, words } from './shared.ts';

const cveState = z.enum(['published', 'rejected']);
const count = z.number().int().min(0);

/** What narrows the list of CVEs, and its facets. */
export const cveFilterSchema = z.strictObject({
  q: words.optional(),
  file: words.optional(),
  severity: severitySchema.optional(),
  class: z.enum(priorityClasses).optional(),
  state: cveState.optional(),
  reach: z.enum(reachClasses).optional(),
});

export const cveRowQuerySchema = z.strictObject({
  ...cveFilterSchema.shape,
  sort: z.enum(['priority', 'newest']).default('priority'),
  ...countedPaging,
});

/** A CVE in a list. Titles and files are text of the CNA: hostile. */
export const cveRowSchema = z.strictObject({
  id: z.string(),
  state: cveState,
  title: z.string(),
  severity: severitySchema,
  score: z.number().nullable(),
  predicted: z.enum(['likely-high', 'possibly-high', 'unlikely-high']).nullable(),
  announced: time.nullable(),
  /** Null until it is ranked. */
  class: z.enum(priorityClasses).nullable(),
  weight: z.number().nullable(),
  reach: z.enum(reachClasses).nullable(),
  epss: z.number().nullable(),
  /** Kernels in which it is affected, and in which nobody knows yet. */
  affected: count,
  open: count,
});

export const cveRowPageSchema = z.strictObject({ cves: z.array(cveRowSchema), next });

export const cveFacetsSchema = z.strictObject({
  total: count,
  severity: z.record(severitySchema, count),
  class: z.record(z.enum([...priorityClasses, 'unranked']), count),
  state: z.record(cveState, count),
  reach: z.record(z.enum([...reachClasses, 'unranked']), count),
});

const rangeEnd = z.strictObject({ version: z.string(), commit: z.string().nullable() });

/** One CVE: what its record says, and what people decided of it. */
export const cveDetailSchema = z.strictObject({
  id: z.string(),
  state: cveState,
  source: z.enum(['record', 'mail']),
  title: z.string(),
  description: z.string(),
  files: z.array(z.string()),
  ranges: z.array(z.strictObject({ introduced: rangeEnd.nullable(), fixed: rangeEnd.nullable() })),
  references: z.array(z.string()),
  severity: severitySchema,
  score: z.number().nullable(),
  vector: z.string().nullable(),
  rationale: z.string().nullable(),
  decisions: z.array(
    z.strictObject({
      kind: z.enum(['severity', 'accept', 'note', 'mitigation']),
      score: z.number().nullable(),
      /** In words. */
      mitigation: z.string().nullable(),
      reason: z.string(),
      author: z.string(),
      madeAt: time,
      until: time.nullable(),
      untilPatched: z.boolean(),
      revoked: z.strictObject({ at: time, by: z.string() }).nullable(),
    }),
  ),
});

export const cveHistorySchema = z.strictObject({
  events: z.array(
    z.strictObject({ at: time.nullable(), source: z.enum(['mail', 'record', 'signal', 'person']), what: z.string() }),
  ),
  /** How far back the records go; null: there is no mirror of them here. */
  records: z.strictObject({ since: time.nullable(), whole: z.boolean() }).nullable(),
});

/** A CVE in every kernel; `status` null: not decided, which is unknown and never harmless. */
export const cveKernelsSchema = z.array(
  z.strictObject({
    kernel: z.string(),
    version: z.string(),
    release: z.string().nullable(),
    status: verdictStatusSchema.nullable(),
    justification: z.string().nullable(),
    decidedAt: time.nullable(),
    evidence: z.array(evidenceSchema),
  }),
);

export type CveRowQuery = z.input<typeof cveRowQuerySchema>;
export type CveFilterQuery = z.input<typeof cveFilterSchema>;
export type CveRowView = z.infer<typeof cveRowSchema>;
export type CveRowPage = z.infer<typeof cveRowPageSchema>;
export type CveFacetsView = z.infer<typeof cveFacetsSchema>;
export type CveDetail = z.infer<typeof cveDetailSchema>;
export type CveHistory = z.infer<typeof cveHistorySchema>;
export type CveKernels = z.infer<typeof cveKernelsSchema>;
