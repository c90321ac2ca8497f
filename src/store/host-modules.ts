import { sql } from 'kysely';
import type { HostModules } from '#domain';
import { jsonBatches } from './storable.ts';
import type { Db } from './store.ts';

/** Stores what modprobe knows of a kernel's modules, replacing what was known; null: nothing is known. */
export async function saveModuleFacts(tx: Db, kernelId: string, encoded: Uint8Array | null): Promise<void> {
  await tx.deleteFrom('kernel_modules').where('kernel_id', '=', kernelId).execute();
  if (encoded === null) return;
  await tx
    .insertInto('kernel_modules')
    .values({ kernel_id: kernelId, facts: Buffer.from(encoded) })
    .execute();
}

export async function loadModuleFacts(db: Db, kernelId: string): Promise<Uint8Array | undefined> {
  const row = await db
    .selectFrom('kernel_modules')
    .select('facts')
    .where('kernel_id', '=', kernelId)
    .executeTakeFirst();
  return row?.facts;
}

/** Stores lists of hosts; a list that is older than the one there is left out. Returns the hosts whose list was stored. */
export async function putHostModules(tx: Db, kernelId: string, lists: readonly HostModules[]): Promise<string[]> {
  const rows = lists.map(({ host, at, modules, blocked, blacklisted }) => ({
    host,
    at: at.toISOString(),
    modules: [...modules].toSorted(),
    blocked: [...blocked].toSorted(),
    blacklisted: [...blacklisted].toSorted(),
  }));
  const stored: string[] = [];
  for (const batch of jsonBatches(rows)) {
    const { rows: written } = await sql<{ host: string }>`
      INSERT INTO host_modules AS old (kernel_id, host, at, modules, blocked, blacklisted)
      SELECT ${kernelId}, host, at, modules, blocked, blacklisted
      FROM jsonb_to_recordset(${batch}::jsonb) AS r (
        host text, at timestamptz, modules text[], blocked text[], blacklisted text[])
      ON CONFLICT (kernel_id, host) DO UPDATE SET
        at = excluded.at, modules = excluded.modules, blocked = excluded.blocked, blacklisted = excluded.blacklisted
      WHERE old.at <= excluded.at
      RETURNING host`.execute(tx);
    stored.push(...written.map(({ host }) => host));
  }
  return stored;
}

/** The newest list of each host of a kernel, by name. */
export async function hostModulesOf(db: Db, kernelId: string): Promise<HostModules[]> {
  const rows = await db
    .selectFrom('host_modules')
    .select(['host', 'at', 'modules', 'blocked', 'blacklisted'])
    .where('kernel_id', '=', kernelId)
    .orderBy('host')
    .execute();
  return rows.map(({ host, at, modules, blocked, blacklisted }) => ({
    host,
    at,
    modules: new Set(modules),
    blocked: new Set(blocked),
    blacklisted: new Set(blacklisted),
  }));
}

/** Forgets a host of a kernel. Returns whether it was there. */
export async function removeHostModules(db: Db, kernelId: string, host: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('host_modules')
    .where('kernel_id', '=', kernelId)
    .where('host', '=', host)
    .executeTakeFirst();
  return numDeletedRows === 1n;
}
