import * as z from 'zod';
import { isAccountName, roles } from '#domain';

const MAX_TEXT = 200;
/** A password of 128 characters of any script, and then some: longer ones are refused unread. */
const MAX_PASSWORD_TEXT = 1_024;
const MAX_GRANTS = 100;
/** Days a token may live at most. */
export const MAX_TOKEN_DAYS = 366;

export const roleSchema = z.enum(roles);

export const scopeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('all') }),
  z.strictObject({ kind: z.literal('kernel'), id: z.string().min(1).max(MAX_TEXT) }),
  z.strictObject({ kind: z.literal('group'), id: z.string().min(1).max(MAX_TEXT) }),
]);
export const grantSchema = z.strictObject({ role: roleSchema, scope: scopeSchema });
export const grantsSchema = z.array(grantSchema).max(MAX_GRANTS);

export const accountNameSchema = z.string().max(64).refine(isAccountName, 'no name of an account');

export const loginSchema = z.strictObject({
  name: z.string().min(1).max(64),
  password: z.string().min(1).max(MAX_PASSWORD_TEXT),
  /** One-time code, where the account has them. */
  code: z
    .string()
    .regex(/^\d{6}$/)
    .optional(),
});

/** Who the server takes the caller for. `local`: a visitor of the loopback address while there are no accounts. */
export const sessionSchema = z.object({
  as: z.enum(['nobody', 'local', 'session', 'token']),
  name: z.string().nullable(),
  grants: z.array(grantSchema),
  /** Goes into the header `x-csrf-token` of what changes something in this session. */
  csrf: z.string().nullable(),
  /** Can one log in at a provider (OIDC)? */
  oidc: z.boolean(),
});

export const newPasswordSchema = z.strictObject({
  old: z.string().min(1).max(MAX_PASSWORD_TEXT),
  new: z.string().min(1).max(MAX_PASSWORD_TEXT),
});

export const accountSchema = z.object({
  name: z.string(),
  shown: z.string(),
  hasPassword: z.boolean(),
  hasTotp: z.boolean(),
  subject: z.object({ issuer: z.string(), subject: z.string() }).nullable(),
  grants: z.array(grantSchema),
  addedBy: z.string(),
  addedAt: z.iso.datetime(),
  disabledAt: z.iso.datetime().nullable(),
});

export const newAccountSchema = z.strictObject({
  name: accountNameSchema,
  shown: z.string().max(MAX_TEXT).optional(),
  /** Null: no login with a password. */
  password: z.string().min(1).max(MAX_PASSWORD_TEXT).nullable(),
  subject: z
    .strictObject({ issuer: z.url().max(MAX_TEXT), subject: z.string().min(1).max(255) })
    .nullable()
    .default(null),
  grants: grantsSchema.default([]),
});

export const tokenSchema = z.object({
  id: z.string(),
  account: z.string(),
  name: z.string(),
  grants: z.array(grantSchema),
  madeBy: z.string(),
  madeAt: z.iso.datetime(),
  endsAt: z.iso.datetime(),
  usedAt: z.iso.datetime().nullable(),
  revokedAt: z.iso.datetime().nullable(),
});

export const newTokenSchema = z.strictObject({
  name: z.string().min(1).max(MAX_TEXT),
  days: z.number().int().min(1).max(MAX_TOKEN_DAYS),
  /** What it carries; not given: everything the account holds now. */
  grants: grantsSchema.min(1).optional(),
});

/** `secret` is shown once; null when the same request is repeated. */
export const madeTokenSchema = tokenSchema.extend({ secret: z.string().nullable() });

export type Session = z.infer<typeof sessionSchema>;
export type AccountView = z.infer<typeof accountSchema>;
export type TokenView = z.infer<typeof tokenSchema>;
