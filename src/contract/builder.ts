import * as z from 'zod';
import { isBuildId } from '#domain';

/** Bytes of a module; the largest known livepatches have some MiB. */
export const MAX_MODULE_BYTES = 64 << 20;
/** Characters of what one attempt printed that are kept. */
export const MAX_JOB_LOG = 1 << 20;
/** Characters of it that one message brings. */
export const MAX_LOG_PART = 64 << 10;
/** Bytes of the largest message of a builder: a module in base64, and what was seen when it was made. */
export const MAX_RESULT_BYTES = 96 << 20;
const MAX_KERNELS = 1_000;
const MAX_LIST = 20_000;

const buildId = z.string().refine(isBuildId);
const shortText = z.string().max(512);
const sentence = z.string().max(8_192);
const attempt = z.number().int().min(1).max(1_000_000);

/** A builder asks for work. `kernels`: those that it has, those that it used last first. */
export const leaseRequestSchema = z.strictObject({
  version: shortText,
  kernels: z.array(buildId).max(MAX_KERNELS),
});

/** A job that is the builder's until it is silent for ten seconds. */
export const leasedJobSchema = z.strictObject({
  id: z.uuid(),
  attempt,
  timeoutSeconds: z.number().int().min(1),
  order: z.strictObject({
    buildId,
    kernelRelease: shortText,
    moduleName: z.string().regex(/^[a-zA-Z0-9_]{1,55}$/),
    patch: z.string().max(16 << 20),
  }),
});

/** `job`: null when nothing waits that this builder can do. */
export const leaseAnswerSchema = z.strictObject({ job: leasedJobSchema.nullable() });

/** A builder says that it lives; `log`: what was printed since. */
export const beatSchema = z.strictObject({ attempt, log: z.string().max(MAX_LOG_PART) });

/** `wanted`: false when the job is the builder's no more: it was cancelled, or another has it. What comes after is refused. */
export const beatAnswerSchema = z.strictObject({ wanted: z.boolean() });

const functionSchema = z.strictObject({ object: shortText, name: shortText });
const findingSchema = z.strictObject({
  code: shortText,
  level: z.enum(['two-approvals', 'note']),
  path: sentence,
  line: z.number().int().nullable(),
  what: sentence,
  why: sentence,
  remedy: sentence,
});

export const resultSchema = z.strictObject({
  attempt,
  log: z.string().max(MAX_LOG_PART),
  module: z.base64().max(Math.ceil(MAX_MODULE_BYTES / 3) * 4),
  made: z.strictObject({
    engineVersion: shortText,
    functions: z.array(functionSchema).min(1).max(MAX_LIST),
    sameCode: z.array(shortText).max(MAX_LIST),
    leftBehind: z.array(z.strictObject({ name: shortText, callers: z.array(shortText).max(MAX_LIST) })).max(MAX_LIST),
    findings: z.array(findingSchema).max(MAX_LIST),
  }),
});

/** Why there is no module. `fault` decides whether another builder tries. */
export const failureSchema = z.strictObject({
  attempt,
  log: z.string().max(MAX_LOG_PART),
  error: z.strictObject({
    code: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/),
    fault: z.enum(['input', 'patch', 'kernel-source', 'toolchain', 'network', 'untrusted', 'us']),
    what: sentence,
    where: sentence.nullable(),
    remedy: sentence.nullable(),
  }),
});

/** The builder stops, and gives the job back as it is. */
export const returnSchema = z.strictObject({ attempt });

export type LeaseRequest = z.input<typeof leaseRequestSchema>;
export type LeasedJob = z.output<typeof leasedJobSchema>;
export type JobResultMessage = z.output<typeof resultSchema>;
export type JobFailureMessage = z.output<typeof failureSchema>;
