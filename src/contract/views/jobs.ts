import * as z from 'zod';
import { next, paging, time, words } from './shared.ts';

const jobState = z.enum(['queued', 'running', 'done', 'failed', 'cancelled']);

export const jobQuerySchema = z.strictObject({ state: jobState.optional(), builder: words.optional(), ...paging });

/** A livepatch that a builder makes, or made. Its error is told without the place on the builder's disk. */
export const jobSchema = z.strictObject({
  id: z.string(),
  kernel: z.string(),
  moduleName: z.string(),
  cves: z.array(z.string()),
  state: jobState,
  attempt: z.number().int(),
  deaths: z.number().int(),
  priority: z.number().int(),
  builder: z.string().nullable(),
  requestedBy: z.string(),
  queuedAt: time,
  startedAt: time.nullable(),
  endedAt: time.nullable(),
  error: z.strictObject({ code: z.string(), what: z.string(), remedy: z.string().nullable() }).nullable(),
});

export const jobPageSchema = z.strictObject({ jobs: z.array(jobSchema), next });
/** With the end of its log: hostile text of a compiler. */
export const jobDetailSchema = z.strictObject({ ...jobSchema.shape, log: z.string() });

export const buildersSchema = z.array(
  z.strictObject({
    name: z.string(),
    version: z.string().nullable(),
    addedBy: z.string(),
    addedAt: time,
    removedAt: time.nullable(),
    /** Null: it never asked for work. */
    seenAt: time.nullable(),
    /** Names of the kernels that it has; a build-id where the kernel is not known here. */
    kernels: z.array(z.string()),
  }),
);

export type JobQuery = z.input<typeof jobQuerySchema>;
export type Job = z.infer<typeof jobSchema>;
export type JobPage = z.infer<typeof jobPageSchema>;
export type JobDetail = z.infer<typeof jobDetailSchema>;
export type Builders = z.infer<typeof buildersSchema>;
