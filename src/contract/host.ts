import * as z from 'zod';
import { type CheckIn, hostStates, isBuildId, isGroupName, refusalLevels } from '#domain';

/** Bytes of a check-in: one of a host with 500 modules and ten reports has 16 KiB. */
export const MAX_CHECK_IN_BYTES = 64 << 10;
const MAX_REPORTS = 20;
const MAX_MODULES = 2_000;
const MAX_LABELS = 32;

const name = z.string().refine(isGroupName);
const shortText = z.string().max(256);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const whole = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const labels = z
  .record(z.string().max(64), z.string().max(128))
  .refine((given) => Object.keys(given).length <= MAX_LABELS && Object.keys(given).every(isGroupName));

const reportSchema = z.strictObject({
  key: z.string().min(1).max(128),
  kind: z.string().max(64),
  severity: z.string().max(32),
  title: z.string().max(512),
  blamed: z.boolean(),
  release: whole.nullable(),
  at: z.string().max(40),
});

export const checkInSchema: z.ZodType<CheckIn> = z.strictObject({
  seq: whole.min(1),
  at: z.string().max(40),
  bootId: z.uuid(),
  uptimeSeconds: whole,
  agent: z.string().max(64),
  level: z.enum(refusalLevels),
  kernel: z.strictObject({
    buildId: z.string().refine(isBuildId).nullable(),
    release: shortText,
    arch: z.string().max(32),
  }),
  ring: name.nullable(),
  labels,
  livepatch: z.strictObject({
    state: z.enum(hostStates),
    release: whole.nullable(),
    sha256: sha256.nullable(),
    alarm: z.string().max(512).nullable(),
  }),
  archive: z.string().max(64).nullable(),
  modules: z
    .array(z.string().regex(/^[A-Za-z0-9_]{1,64}$/))
    .max(MAX_MODULES)
    .nullable(),
  reports: z.array(reportSchema).max(MAX_REPORTS),
});

/** What a host is told. It believes none of it where that could make it do something. */
export const checkInAnswerSchema = z.strictObject({
  /** The server's clock. */
  now: z.iso.datetime(),
  /** Seconds until it is heard of again at the latest. */
  intervalSeconds: z.number().int().min(1),
  /** Serial of the first rollout file that was made with this host in mind; null: none was. */
  counted: whole.nullable(),
  /** Say the modules again: the server does not have them. */
  wantsModules: z.boolean(),
});

export const enrolSchema = z.strictObject({
  token: z.string().regex(/^tth_[A-Za-z0-9_-]{43}$/),
  /** Raw Ed25519 public key, base64url. */
  publicKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  name: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/),
});

export const enrolAnswerSchema = z.strictObject({
  id: z.uuid(),
  group: name,
  intervalSeconds: z.number().int().min(1),
});

export type CheckInAnswer = z.infer<typeof checkInAnswerSchema>;
export type EnrolRequest = z.infer<typeof enrolSchema>;
export type EnrolAnswer = z.infer<typeof enrolAnswerSchema>;
