import * as z from 'zod';
import { isCveId, priorityClasses, reachClasses, verdictStatuses } from '#domain';

/**
 * One feed source's freshness. `at`: last success; `never`: configured and not read yet; `off`: not configured any more;
 * `failure`: why the last reading failed; `bundled`: the sample that comes with TuxTape.
 */
export const sourceSchema = z.object({
  source: z.string(),
  state: z.enum(['fresh', 'stale', 'never', 'off']),
  address: z.string().nullable(),
  at: z.iso.datetime().nullable(),
  newest: z.iso.datetime().nullable(),
  bundled: z.boolean(),
  failure: z.object({ at: z.iso.datetime(), code: z.string(), reason: z.string() }).nullable(),
});

export const statusSchema = z.object({
  version: z.string(),
  /** Server time: ages are counted from it. */
  now: z.iso.datetime(),
  sampleData: z.boolean(),
  sources: z.array(sourceSchema),
  cves: z.object({ published: z.number(), rejected: z.number(), scored: z.number() }),
  quarantined: z.number(),
});

export const kernelSchema = z.object({
  id: z.string(),
  name: z.string(),
  version: z.string(),
  release: z.string().nullable(),
  buildId: z.string().nullable(),
  compiler: z.string(),
  bundled: z.boolean(),
});

export const cveIdSchema = z
  .string()
  .max(40)
  .refine((text) => isCveId(text), 'no CVE id');

export const verdictStatusSchema = z.enum(verdictStatuses);
export const severitySchema = z.enum(['critical', 'high', 'medium', 'low', 'none', 'not-scored']);

export const evidenceSchema = z.object({
  rung: z.string(),
  outcome: z.enum(['clears', 'supports', 'inconclusive']),
  sentence: z.string(),
});

export const verdictSchema = z.object({
  cve: z.string(),
  title: z.string(),
  status: verdictStatusSchema,
  justification: z.string().nullable(),
  severity: severitySchema,
  score: z.number().nullable(),
  vector: z.string().nullable(),
  /** How likely the CNA would score it HIGH or above, in words, where nobody scored it; never a score. */
  predicted: z.enum(['likely-high', 'possibly-high', 'unlikely-high']).nullable(),
  /** Null until it is ranked. */
  class: z.enum(priorityClasses).nullable(),
  reach: z.enum(reachClasses).nullable(),
  files: z.array(z.string()),
  evidence: z.array(evidenceSchema),
});

export const verdictPageSchema = z.object({
  verdicts: z.array(verdictSchema),
  /** Give it back to get the next page; null at the end. */
  next: z.string().nullable(),
});

/** Why a CVE stands where it stands: every term with its value, every source with its time. */
export const standingSchema = z.object({
  cve: z.string(),
  class: z.enum(priorityClasses),
  weight: z.number(),
  terms: z.array(z.object({ name: z.string(), value: z.number().nullable(), sentence: z.string() })),
  signals: z.array(
    z.object({
      source: z.string(),
      /** The source's own time; null where it gives none. */
      at: z.iso.datetime({ offset: true }).nullable(),
      readAt: z.iso.datetime(),
      sentence: z.string(),
    }),
  ),
});

export const countSchema = z.object({
  status: verdictStatusSchema,
  rung: z.string(),
  severity: severitySchema,
  count: z.number(),
});
export const summarySchema = z.object({ kernel: kernelSchema, counts: z.array(countSchema) });

export const verdictQuerySchema = z.object({
  status: verdictStatusSchema.optional(),
  severity: severitySchema.optional(),
  q: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: cveIdSchema.optional(),
});

/** An error, after RFC 9457 (problem+json), with our code. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  code: z.string(),
  detail: z.string().optional(),
});

export type Standing = z.infer<typeof standingSchema>;
export type Status = z.infer<typeof statusSchema>;
export type Kernel = z.infer<typeof kernelSchema>;
export type VerdictView = z.infer<typeof verdictSchema>;
export type VerdictPage = z.infer<typeof verdictPageSchema>;
export type Summary = z.infer<typeof summarySchema>;
export type VerdictQuery = z.input<typeof verdictQuerySchema>;
