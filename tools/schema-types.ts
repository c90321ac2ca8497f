/** Writes src/store/schema.ts: the types of the migrated database, by kysely-codegen. `--print` prints them instead. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plainEnvironment, run } from '#host';
import { openStore } from '#store';

const root = join(import.meta.dirname, '..');

/** Types of an empty database after all migrations, from a server of our own in a folder that is removed again. */
export async function schemaTypes(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tuxtape-types-'));
  const store = await openStore({ dataDirectory: folder, databaseUrl: null });
  try {
    return await typesOf(`postgresql://tuxtape@localhost:5432/tuxtape?host=${encodeURIComponent(store.where)}`, folder);
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Types of the database at `url`; `folder` is for the generator's output. */
export async function typesOf(url: string, folder: string): Promise<string> {
  const out = join(folder, 'schema.ts');
  const options = ['--dialect', 'postgres', '--url', url, '--out-file', out];
  const parsers = ['--date-parser', 'timestamp', '--numeric-parser', 'number'];
  const codegen = join(root, 'node_modules/.bin/kysely-codegen');
  await run(codegen, [...options, ...parsers], { env: plainEnvironment(), cwd: root });
  return readFileSync(out, 'utf8');
}

if (import.meta.main) {
  const types = await schemaTypes();
  if (process.argv.includes('--print')) console.log(types);
  else writeFileSync(join(root, 'src/store/schema.ts'), types);
}
