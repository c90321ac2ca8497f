import { sql } from 'kysely';
import type { Db } from './store.ts';

/** One VEX document of a kernel, as it stands. */
export interface VexDocument {
  readonly version: number;
  /** When it was issued first, and when its content changed last. */
  readonly issuedAt: Date;
  readonly changedAt: Date;
}

/**
 * The document of this content: its number rises when the content is another than at the last export (OpenVEX v0.2.0,
 * `version`: "must be incremented when any content within the VEX document changes"; CycloneDX 1.6, `version`).
 */
export async function vexDocument(
  db: Db,
  kernelId: string,
  format: string,
  digest: string,
  at: Date,
): Promise<VexDocument> {
  const { rows } = await sql<{ version: number; issued_at: Date; changed_at: Date }>`
    INSERT INTO vex_document AS old (kernel_id, format, version, digest, issued_at, changed_at)
    VALUES (${kernelId}, ${format}, 1, ${digest}, ${at}::timestamptz, ${at}::timestamptz)
    ON CONFLICT (kernel_id, format) DO UPDATE SET
      version = old.version + CASE WHEN old.digest = excluded.digest THEN 0 ELSE 1 END,
      changed_at = CASE WHEN old.digest = excluded.digest THEN old.changed_at ELSE excluded.changed_at END,
      digest = excluded.digest
    RETURNING version, issued_at, changed_at`.execute(db);
  const { version, issued_at: issuedAt, changed_at: changedAt } = rows[0]!;
  return { version, issuedAt, changedAt };
}
