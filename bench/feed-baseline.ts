/**
 * The least that a first sync has to do, in one process and nothing more: `git cat-file --batch` over the same blobs,
 * JSON.parse, the mail parser, and a COPY of the same rows. Arguments: lore, vulns, a synced data directory, a new one.
 * Prints the seconds.
 */
import { join } from 'node:path';
import { sql } from 'kysely';
import PostalMime from 'postal-mime';
import { epochDelta, listVulns } from '#feed';
import { Git, run } from '#host';
import { openStore } from '#store';

const TABLES = ['cve', 'announcement'] as const;
const MAX_BYTES = 16 << 20;
const [lore, vulns, synced, fresh] = process.argv.slice(2) as [string, string, string, string];

const from = await openStore({ dataDirectory: synced, databaseUrl: null });
const store = await openStore({ dataDirectory: fresh, databaseUrl: null });
const dump = (table: string): string => join(fresh, 'dump', table);
await run('mkdir', ['-m', '0777', join(fresh, 'dump')]);
for (const table of TABLES) await sql.raw(`COPY ${table} TO '${dump(table)}'`).execute(from.db);
await from.close();

const started = performance.now();
const epoch = new Git(join(lore, '0.git'));
const { commits } = (await epochDelta(epoch, null))!;
let mails = 0;
for await (const { content } of epoch.catFile(
  commits.map((commit) => `${commit}:m`),
  MAX_BYTES,
)) {
  if (content === null || content.length === 0) continue;
  await PostalMime.parse(content);
  mails += 1;
}
const records = new Git(vulns);
const entries = [...(await listVulns(records, (await records.head())!)).values()];
const blobs = entries.flatMap(({ key }) => key.split(/[^0-9a-f]+/).filter((oid) => oid.length >= 40));
let parsed = 0;
for await (const { content } of records.catFile(blobs, MAX_BYTES)) {
  if (content?.[0] !== 0x7b) continue;
  JSON.parse(content.toString());
  parsed += 1;
}
for (const table of TABLES) await sql.raw(`COPY ${table} FROM '${dump(table)}'`).execute(store.db);
const seconds = (performance.now() - started) / 1000;
await store.close();
console.log(JSON.stringify({ seconds, mails, parsed, blobs: blobs.length }));
