import type { ClientBase } from 'pg';
import { StoreError } from '../error.ts';

/** A table of ours as it is copied: generated columns are computed anew. */
export interface CopiedTable {
  readonly name: string;
  readonly columns: readonly string[];
}

/** A value handed out by a sequence. */
export interface SequenceState {
  readonly table: string;
  readonly column: string;
  /** Null: it was never used. */
  readonly last: string | null;
}

/** Rows that the migrations themselves make; a restore puts those of the backup in their place. */
export const SEEDED_TABLES: ReadonlySet<string> = new Set(['schema_migration', 'installation']);

/** Settings that make text of values the same on every server (PostgreSQL's documentation, COPY and chapter 20.11). */
export const COPY_SETTINGS = [
  "SET LOCAL client_encoding TO 'UTF8'",
  "SET LOCAL DateStyle TO 'ISO, YMD'",
  "SET LOCAL IntervalStyle TO 'iso_8601'",
  "SET LOCAL TimeZone TO 'UTC'",
  "SET LOCAL bytea_output TO 'hex'",
  'SET LOCAL extra_float_digits TO 3',
  'SET LOCAL lock_timeout TO 0',
  'SET LOCAL statement_timeout TO 0',
  'SET LOCAL idle_in_transaction_session_timeout TO 0',
].join('; ');

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Our tables with what they refer to before them. Errors: backup-cyclic, a defect: two tables refer to each other. */
export async function copiedTables(client: ClientBase): Promise<CopiedTable[]> {
  const { rows: tables } = await client.query<{ name: string; columns: string[] }>(`
    SELECT c.relname AS name, ARRAY (
      SELECT a.attname::text FROM pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum) AS columns
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' ORDER BY c.relname`);
  const { rows: references } = await client.query<{ name: string; target: string }>(`
    SELECT DISTINCT c.conrelid::regclass::text AS name, c.confrelid::regclass::text AS target
    FROM pg_constraint c WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace AND c.conrelid <> c.confrelid`);
  return inOrder(tables, references);
}

/** Pure: each table after all that it refers to, otherwise in the order given. */
export function inOrder(
  tables: readonly CopiedTable[],
  references: readonly { readonly name: string; readonly target: string }[],
): CopiedTable[] {
  const left = new Map(tables.map((table) => [table.name, table]));
  const ordered: CopiedTable[] = [];
  while (left.size > 0) {
    const ready = [...left.values()].filter(
      ({ name }) => !references.some((one) => one.name === name && left.has(one.target)),
    );
    if (ready.length === 0)
      throw new StoreError('backup-cyclic', 'us', {
        what: `tables refer to each other in a circle: ${[...left.keys()].join(', ')}`,
      });
    for (const table of ready) {
      ordered.push(table);
      left.delete(table.name);
    }
  }
  return ordered;
}

/** Every sequence that a column of ours takes its values from. */
export async function sequencesOf(client: ClientBase): Promise<SequenceState[]> {
  const { rows } = await client.query<{ table: string; column: string; last: string | null }>(`
    SELECT c.relname AS "table", a.attname AS "column", s.last_value::text AS last
    FROM pg_class q
    JOIN pg_depend d ON d.objid = q.oid AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.deptype IN ('a', 'i')
    JOIN pg_class c ON c.oid = d.refobjid
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
    LEFT JOIN pg_sequences s ON s.schemaname = 'public' AND s.sequencename = q.relname
    WHERE q.relkind = 'S' AND q.relnamespace = 'public'::regnamespace ORDER BY 1, 2`);
  return rows;
}
