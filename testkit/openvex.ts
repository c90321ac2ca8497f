import * as z from 'zod';

/**
 * OpenVEX v0.2.0 as its specification states it ("Document Struct Fields", "Statement Fields", "Status Labels"; the
 * published openvex_json_schema_0.2.0.json says the same): no other field, and what each status requires.
 */
const statement = z
  .strictObject({
    '@id': z.string().optional(),
    version: z.number().int().optional(),
    vulnerability: z.strictObject({
      '@id': z.string().optional(),
      name: z.string().min(1),
      description: z.string().optional(),
      aliases: z.array(z.string()).optional(),
    }),
    timestamp: z.iso.datetime({ offset: true }).optional(),
    products: z
      .array(
        z.strictObject({
          '@id': z.string().optional(),
          identifiers: z.strictObject({ purl: z.string().startsWith('pkg:') }).optional(),
        }),
      )
      .min(1),
    status: z.enum(['not_affected', 'affected', 'fixed', 'under_investigation']),
    status_notes: z.string().optional(),
    justification: z
      .enum([
        'component_not_present',
        'vulnerable_code_not_present',
        'vulnerable_code_not_in_execute_path',
        'vulnerable_code_cannot_be_controlled_by_adversary',
        'inline_mitigations_already_exist',
      ])
      .optional(),
    impact_statement: z.string().optional(),
    action_statement: z.string().optional(),
  })
  .refine(
    ({ status, justification, impact_statement: impact }) =>
      status !== 'not_affected' || justification !== undefined || impact !== undefined,
  )
  .refine(({ status, action_statement: action }) => status !== 'affected' || action !== undefined)
  .refine(({ status, justification }) => status === 'not_affected' || justification === undefined);

export const openVexSchema = z.strictObject({
  '@context': z.literal('https://openvex.dev/ns/v0.2.0'),
  '@id': z.string().min(1),
  author: z.string().min(1),
  role: z.string().optional(),
  timestamp: z.iso.datetime({ offset: true }),
  last_updated: z.iso.datetime({ offset: true }).optional(),
  version: z.number().int().min(1),
  tooling: z.string().optional(),
  statements: z.array(statement).min(1),
});
