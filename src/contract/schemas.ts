import * as z from 'zod';

/** One feed source's freshness. `bundled`: the sample that comes with TuxTape. */
export const sourceSchema = z.object({
  source: z.string(),
  address: z.string(),
  at: z.iso.datetime(),
  newest: z.iso.datetime().nullable(),
  bundled: z.boolean(),
});

export const statusSchema = z.object({
  version: z.string(),
  /** Server time: ages are counted from it. */
  now: z.iso.datetime(),
  sampleData: z.boolean(),
  sources: z.array(sourceSchema),
  cves: z.object({ published: z.number(), rejected: z.number(), scored: z.number() }),
  quarantined: z.number(),
  /** Seconds between two syncs; a source older than some of them is stale. */
  syncInterval: z.number(),
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

export const verdictStatusSchema = z.enum(['affected', 'not_affected', 'fixed', 'under_investigation']);
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
  files: z.array(z.string()),
  evidence: z.array(evidenceSchema),
});

export const verdictPageSchema = z.object({
  verdicts: z.array(verdictSchema),
  /** Give it back to get the next page; null at the end. */
  next: z.string().nullable(),
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
  cursor: z
    .string()
    .regex(/^\d{1,9}$/)
    .optional(),
});

/** An error, after RFC 9457 (problem+json), with our code. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  code: z.string(),
  detail: z.string().optional(),
});

export type Status = z.infer<typeof statusSchema>;
export type Kernel = z.infer<typeof kernelSchema>;
export type VerdictView = z.infer<typeof verdictSchema>;
export type VerdictPage = z.infer<typeof verdictPageSchema>;
export type Summary = z.infer<typeof summarySchema>;
export type VerdictQuery = z.input<typeof verdictQuerySchema>;
