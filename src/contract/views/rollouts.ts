import * as z from 'zod';
import { rolloutPhases, stopCodes } from '#domain';
import { time } from './shared.ts';

const MAX_REASON = 1_000;
const MAX_HOST = 300;

const reason = z
  .string()
  .trim()
  .min(1)
  .max(MAX_REASON)
  .refine((text) => !text.includes('\0'), 'holds a zero character');

/** A release on its way to the hosts of one kernel. */
export const rolloutSchema = z.strictObject({
  id: z.string(),
  /** Name of the kernel; null: its build-id is not known here. */
  kernel: z.string().nullable(),
  buildId: z.string(),
  release: z.number().int(),
  phase: z.enum(rolloutPhases),
  stop: z.strictObject({ code: z.enum(stopCodes), why: z.string() }).nullable(),
  /** The ring that is being opened, and how many percent of it are; null: it did not begin. */
  at: z.strictObject({ ring: z.string(), percent: z.number() }).nullable(),
  failed: z.number().int(),
  createdBy: z.string(),
  createdAt: time,
});
export const rolloutsSchema = z.array(rolloutSchema);

export const rolloutDetailSchema = z.strictObject({
  ...rolloutSchema.shape,
  /** SHA-256 of the module. */
  sha256: z.string(),
  rings: z.array(
    z.strictObject({
      name: z.string(),
      steps: z.array(z.strictObject({ percent: z.number(), soakSeconds: z.number() })),
      /** Percent that stay without the release as the control group. */
      control: z.number(),
      /** Percent that it was opened to so far; hosts of it start only while it runs. */
      open: z.number(),
    }),
  ),
  soakedSeconds: z.number().int(),
  /** Hosts that wait for others which cannot be reached. */
  stuck: z.number().int(),
  expeditedBy: z.array(z.string()),
  held: z.array(z.string()),
  /** The first of them; `failed` counts them all. */
  failures: z.array(z.strictObject({ host: z.string(), kind: z.string(), what: z.string() })),
  /** What people asked for and no round of a controller has taken yet, the oldest first. */
  waiting: z.array(z.strictObject({ do: z.string(), by: z.string(), reason: z.string(), at: time })),
  /** What was done, the newest first. */
  events: z.array(
    z.strictObject({ at: time, do: z.string(), what: z.string(), why: z.string(), evidence: z.array(z.string()) }),
  ),
});

/** Stops a rollout; `recall` is for good. */
export const rolloutStopSchema = z.strictObject({ do: z.enum(['pause', 'halt', 'recall']), reason });
/** Goes on after a pause or a halt. `failures`: how many failed hosts the person saw; fewer than there are is refused. */
export const rolloutResumeSchema = z.strictObject({
  failures: z.number().int().min(0),
  pastInconclusive: z.boolean().default(false),
  reason,
});
/** Keeps a host out, or lets it in again. */
export const rolloutHoldSchema = z.strictObject({
  do: z.enum(['hold', 'unhold']),
  host: z.string().min(1).max(MAX_HOST),
  reason,
});
/** It is asked for, not done: the next round of a controller takes it or refuses it. */
export const rolloutAskedSchema = z.strictObject({ rollout: z.string(), asked: z.string(), at: time });

export type Rollout = z.infer<typeof rolloutSchema>;
export type RolloutDetail = z.infer<typeof rolloutDetailSchema>;
export type RolloutStop = z.infer<typeof rolloutStopSchema>;
