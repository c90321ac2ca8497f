import { sql } from 'kysely';
import type { LivepatchRecipe } from '#domain';
import type { Db } from './store.ts';

/** A livepatch as a list shows it: without the checks and the kernel log of its proof. */
export interface LivepatchLine {
  readonly id: string;
  readonly kernel: string;
  readonly moduleName: string;
  readonly moduleSha256: string;
  readonly recipe: LivepatchRecipe;
  /** Null: it was not proved. */
  readonly passed: boolean | null;
  readonly provedAt: string | null;
  readonly builtAt: Date;
}

export interface LivepatchFilter {
  /** Name of the kernel. */
  readonly kernel?: string | undefined;
  readonly cve?: string | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** Newest first. */
export async function pageLivepatches(db: Db, filter: LivepatchFilter): Promise<LivepatchLine[]> {
  const { kernel, cve, limit, offset } = filter;
  const { rows } = await sql<LivepatchLine>`
    SELECT l.id, k.name AS kernel, l.module_name AS "moduleName", l.module_sha256 AS "moduleSha256", l.recipe,
      (l.gate ->> 'passed')::boolean AS passed, l.gate ->> 'startedAt' AS "provedAt", l.built_at AS "builtAt"
    FROM livepatch l JOIN kernel k ON k.id = l.kernel_id
    WHERE ${kernel === undefined ? sql`true` : sql`k.name = ${kernel}`}
      AND ${cve === undefined ? sql`true` : sql`l.recipe -> 'cves' ? ${cve}`}
    ORDER BY l.built_at DESC, l.id LIMIT ${limit} OFFSET ${offset}`.execute(db);
  return rows;
}
