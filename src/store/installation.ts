import type { Db } from './store.ts';

/** What this database is of. */
export interface Installation {
  readonly id: string;
  /** Only rises, with every restore: it goes before serial numbers that must never go back. */
  readonly epoch: number;
  /** Null: it was never restored from a backup. */
  readonly restoredAt: Date | null;
}

export async function installation(db: Db): Promise<Installation> {
  const row = await db.selectFrom('installation').selectAll().executeTakeFirstOrThrow();
  return { id: row.id, epoch: Number(row.epoch), restoredAt: row.restored_at };
}
