import { z } from 'zod';
import { damaged } from './error.ts';

const MAX_ENTRIES = 1_000_000;
const NAME = /^[a-z_][a-z0-9_]{0,62}$/;
const SHA256 = /^[0-9a-f]{64}$/;
/** A path below the data directory: no empty part, none of dots alone, nothing but plain letters. */
const PATH = /^(?:livepatches|keys)(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._+@=,-]{1,200}){1,6}$/;

const name = z.string().regex(NAME);
const headSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('table'), name }),
  z.strictObject({ kind: z.literal('file'), name: z.string().regex(PATH) }),
]);
const checked = { bytes: z.number().int().nonnegative(), sha256: z.string().regex(SHA256) };
const entrySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('table'), name, ...checked }),
  z.strictObject({ kind: z.literal('file'), name: z.string().regex(PATH), ...checked }),
]);
const number = z.string().regex(/^-?\d{1,19}$/);

const manifestSchema = z.strictObject({
  version: z.literal(1),
  /** The TuxTape that made it. */
  program: z.string().max(64),
  /** The moment that everything in it is of. */
  at: z.iso.datetime(),
  server: z.string().max(200),
  /** Where its files were: paths in the database below it are set anew. */
  dataDirectory: z.string().min(1).max(4_096).startsWith('/'),
  installation: z.strictObject({ id: z.uuid(), epoch: number }),
  migrations: z
    .array(
      z.strictObject({
        version: z.number().int().positive(),
        name: z.string().max(100),
        sha256: z.string().regex(SHA256),
      }),
    )
    .min(1)
    .max(10_000),
  tables: z.array(z.strictObject({ name, columns: z.array(name).min(1).max(1_600) })).max(10_000),
  sequences: z.array(z.strictObject({ table: name, column: name, last: number.nullable() })).max(10_000),
  entries: z.array(entrySchema).max(MAX_ENTRIES),
  /** Private keys by name, whether they are in it or not. */
  keys: z.strictObject({ included: z.boolean(), names: z.array(z.string().max(300)).max(1_000) }),
  /** Livepatches of which there was no file. */
  missing: z.array(z.string().max(300)).max(100_000),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type Entry = Manifest['entries'][number];

/** May a file of this path be kept? Such a one is not in a backup. */
export function isPath(path: string): boolean {
  return PATH.test(path);
}

/** Errors: backup-damaged. */
export function parseEntryHead(content: Buffer): z.infer<typeof headSchema> {
  return parse(headSchema, content, 'the head of an entry');
}

/** Errors: backup-damaged. */
export function parseManifest(content: Buffer): Manifest {
  return parse(manifestSchema, content, 'its manifest');
}

function parse<T>(schema: z.ZodType<T>, content: Buffer, what: string): T {
  try {
    return schema.parse(JSON.parse(content.toString('utf8')));
  } catch (cause) {
    throw damaged(`${what} is not as it must be`, undefined, cause);
  }
}
