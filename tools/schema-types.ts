/** Writes src/store/schema.ts: the types of the migrated database, by kysely-codegen. `--print` prints them instead. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plainEnvironment, run } from '#host';
import { openStore } from '#store';

const root = join(import.meta.dirname, '..');

/** Migrates an empty database and returns the types of what came out. */
export async function schemaTypes(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tuxtape-types-'));
  const store = await openStore({ dataDirectory: folder, databaseUrl: null });
  try {
    const out = join(folder, 'schema.ts');
    const socket = encodeURIComponent(join(folder, 'postgres/socket'));
    const url = `postgresql://tuxtape@/tuxtape?host=${socket}`;
    const options = [
      '--dialect',
      'postgres',
      '--url',
      url,
      '--out-file',
      out,
      '--date-parser',
      'timestamp',
      '--numeric-parser',
      'number',
    ];
    await run(join(root, 'node_modules/.bin/kysely-codegen'), options, { env: plainEnvironment(), cwd: root });
    return readFileSync(out, 'utf8');
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const { writeFileSync } = await import('node:fs');
  const types = await schemaTypes();
  if (process.argv.includes('--print')) console.log(types);
  else writeFileSync(join(root, 'src/store/schema.ts'), types);
}
