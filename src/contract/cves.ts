import * as z from 'zod';
import { mitigationProblem, priorityClasses, reachClasses } from '#domain';
import { cveIdSchema, severitySchema, standingSchema } from './schemas.ts';

const MAX_REASON = 2_000;
const MAX_QUERY = 200;

const rankedSchema = z.object({
  class: z.enum(priorityClasses).nullable(),
  weight: z.number().nullable(),
  reach: z.enum(reachClasses).nullable(),
});

/** A CVE as a list shows it; what is ranked is null until it is. */
export const cveLineSchema = rankedSchema.extend({
  id: z.string(),
  state: z.enum(['published', 'rejected']),
  source: z.enum(['record', 'mail']),
  title: z.string(),
  files: z.array(z.string()),
  score: z.number().nullable(),
  vector: z.string().nullable(),
  announced: z.iso.datetime().nullable(),
  epss: z.number().nullable(),
  /** Predicted probability that the CNA would score it HIGH or above; never a score. */
  predicted: z.number().nullable(),
});

export const cvePageSchema = z.object({
  cves: z.array(cveLineSchema),
  /** Give it back to get the next page; null at the end. */
  next: z.string().nullable(),
});

export const cveQuerySchema = z.object({
  q: z.string().max(MAX_QUERY).optional(),
  file: z.string().max(MAX_QUERY).optional(),
  state: z.enum(['published', 'rejected']).optional(),
  severity: severitySchema.optional(),
  class: z.enum(priorityClasses).optional(),
  reach: z.enum(reachClasses).optional(),
  since: z.iso.date().optional(),
  before: z.iso.date().optional(),
  sort: z.enum(['priority', 'newest']).default('priority'),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: cveIdSchema.optional(),
});

const pointSchema = z.object({ version: z.string().nullable(), commit: z.string().nullable() }).nullable();

export const mitigationSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('modprobe-blocklist'), module: z.string().max(100) }),
    z.strictObject({ kind: z.literal('sysctl'), key: z.string().max(200), value: z.string().max(100) }),
    z.strictObject({ kind: z.literal('bpf-lsm'), note: z.string().max(MAX_REASON) }),
  ])
  .refine((mitigation) => mitigationProblem(mitigation) === null, 'no mitigation that can be taken as it is');

export const decisionSchema = z.object({
  id: z.string(),
  cve: z.string(),
  kind: z.enum(['severity', 'accept', 'note', 'mitigation']),
  score: z.number().nullable(),
  mitigation: z.unknown(),
  reason: z.string(),
  until: z.iso.datetime().nullable(),
  untilPatched: z.boolean(),
  author: z.string(),
  madeAt: z.iso.datetime(),
  revoked: z.object({ at: z.iso.datetime(), by: z.string() }).nullable(),
});

/** Everything known about one CVE. */
export const cveSchema = z.object({
  id: z.string(),
  state: z.enum(['published', 'rejected']),
  source: z.enum(['record', 'mail']),
  title: z.string(),
  description: z.string(),
  files: z.array(z.string()),
  ranges: z.array(z.object({ introduced: pointSchema, fixed: pointSchema })),
  score: z.number().nullable(),
  vector: z.string().nullable(),
  predicted: z.number().nullable(),
  references: z.array(z.string()),
  standing: standingSchema,
  decisions: z.array(decisionSchema),
});

const reasonSchema = z.string().trim().min(1).max(MAX_REASON);
const futureSchema = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

export const newNoteSchema = z.strictObject({ reason: reasonSchema });

/** What a person decides: another severity, a risk that is taken until a day, an answer on the hosts. */
export const newDecisionSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('severity'), score: z.number().min(0).max(10), reason: reasonSchema }),
  z.strictObject({ kind: z.literal('accept'), until: futureSchema, reason: reasonSchema }),
  z.strictObject({
    kind: z.literal('mitigation'),
    mitigation: mitigationSchema,
    until: futureSchema.nullable().default(null),
    untilPatched: z.boolean().default(false),
    reason: reasonSchema,
  }),
]);

export const holdSchema = z.object({
  cve: z.string(),
  reason: z.string(),
  author: z.string(),
  heldAt: z.iso.datetime(),
});
export const newHoldSchema = z.strictObject({ reason: reasonSchema });

export const auditQuerySchema = z.object({
  subject: z.string().max(MAX_QUERY).optional(),
  actor: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z
    .string()
    .regex(/^[1-9]\d{0,14}$/)
    .optional(),
});
/** The chain made again: how many rows, the last one's hash, and the first row that does not fit; null: all fit. */
export const auditCheckSchema = z.object({
  rows: z.number(),
  head: z.object({ seq: z.number(), hash: z.string() }).nullable(),
  fault: z.object({ seq: z.number(), what: z.string() }).nullable(),
});
export const auditPageSchema = z.object({
  entries: z.array(
    z.object({
      seq: z.number(),
      at: z.iso.datetime(),
      actor: z.string(),
      via: z.string(),
      action: z.string(),
      subject: z.string(),
      reason: z.string(),
      detail: z.unknown(),
      hash: z.string(),
    }),
  ),
  next: z.string().nullable(),
});

/** One line of the stream of events: what changed, never what it is now. */
export const eventSchema = z.object({ topic: z.string(), id: z.string(), kernel: z.string().nullable() });

export type CveLineView = z.infer<typeof cveLineSchema>;
export type CvePage = z.infer<typeof cvePageSchema>;
export type CveQuery = z.input<typeof cveQuerySchema>;
export type CveView = z.infer<typeof cveSchema>;
export type DecisionView = z.infer<typeof decisionSchema>;
export type AuditCheck = z.infer<typeof auditCheckSchema>;
export type AuditPage = z.infer<typeof auditPageSchema>;
export type AuditQuery = z.input<typeof auditQuerySchema>;
