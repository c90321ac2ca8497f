import { join } from 'node:path';
import type { CveId, Proof } from '#domain';
import { defaultDataDirectory, exists } from '#host';
import { keptConfig, kernelTrees } from '#pipeline';
import { getProof, type KernelRow } from '#store';
import type { Context } from './context.ts';

/** Where on this machine the things lie that a replay reads. */
export interface Places {
  readonly vulns: string;
  /** The program with the flags that every command here needs. */
  readonly tuxtape: string;
  /** The fixes that the proof was made from; null: it does not say. */
  readonly fixes: NonNullable<Proof['from']> | null;
  /** The configuration that a prediction was made from; null: it is not here. */
  readonly config: string | null;
}

/** Of a proof that does not say where its fixes were: a comment of the shell. */
export const STANDS_FOR = '# DIR stands for the folder of the fixes';

/** As one word of a shell, whatever it holds: paths come from records, names from people. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

export async function placesOf(context: Context, kernel: KernelRow, cve: CveId, tree: string | null): Promise<Places> {
  const config = await context.config();
  const data = config.need('data');
  const { db } = await context.store();
  const file = tree === null ? keptConfig(kernelTrees(config), kernel.configSha256) : join(tree, '.config');
  return {
    vulns: join(data, 'mirrors/vulns.git'),
    tuxtape: data === defaultDataDirectory('tuxtape') ? 'tuxtape' : `tuxtape --data ${quoted(data)}`,
    fixes: (await getProof(db, kernel.id, cve))?.from ?? null,
    config: (await exists(file)) ? file : null,
  };
}
