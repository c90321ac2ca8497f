/** Writes docs/reference/api.md from the access table. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { roles } from '#domain';
import { type Access, access } from '../src/server/access.ts';

const FILE = join(import.meta.dirname, '../docs/reference/api.md');

export function apiReference(): string {
  const rows = Object.entries(access).map(([route, row]) => {
    const cells = roles.map((role) => ('on' in row ? (row.who.includes(role) ? 'yes' : '') : ''));
    return `| \`${route}\` | ${whoOf(row)} | ${cells.join(' | ')} |`;
  });
  return `# API

The server speaks JSON over HTTP under \`/api/v1\`. \`GET /api/v1/openapi.json\` is the whole of it, made of the schemas that the server checks
with and the typed client uses (\`src/contract\`): OpenAPI 3.1, with \`x-access\` from the table below.

- **Who.** \`Authorization: Bearer ttx_…\` (a token, \`tuxtape token make\`), or the cookie of a login (\`POST /api/v1/session\`). What changes something
  in a session needs the header \`x-csrf-token\` with the word that \`GET /api/v1/session\` gives, and a page of this server as its origin.
  While there are no accounts, whoever reaches the server on its loopback address reads as a viewer and changes nothing.
- **Errors** are \`application/problem+json\` (RFC 9457): \`status\`, \`title\` for people, \`code\` for programs. Codes stay the same over versions.
- **Lists** with a \`next\` are read page by page: give it back as \`cursor\`. It names a place, not a number of rows: what comes in
  meanwhile moves nothing.
- **Tags.** JSON answers carry an \`ETag\`; \`If-None-Match\` gets 304 when nothing changed.
- **Once.** A request that changes something may carry an \`Idempotency-Key\` (8 to 200 letters, digits, \`-\`, \`_\`, \`.\`, \`:\`): for 24 hours its repetition gets the
  first answer, and nothing is done twice; two at once are done once. Another request under that key is \`key-reused\`. Secrets are
  not repeated: \`secret\` is null the second time.
- **Live.** \`GET /api/v1/events\` (server-sent events): first \`hello\`, then \`change\` with topic, id and kernel of what should be read again. Nothing from
  before is told, and a stream ends after five minutes: read what you show whenever \`hello\` comes. Topics: \`kernel\`, \`kernel-build\`, \`livepatch\`, \`hold\`,
  \`verdicts\`, \`decision\`, \`feed\`, \`audit\` (administrators).
- **Running it.** \`/healthz\` (it runs), \`/readyz\` (its database answers), \`/metrics\` (Prometheus). One line of JSON a request on stderr at \`log.level\` \`info\`: route,
  status, time, caller; no addresses' queries, headers or bodies.

## Routes and roles

\`any\`: a role for any kernel or group; \`all\`: held for everything; \`kernel\`: for the kernel in the address, or everything. \`visitor\`: also without a login, but looked
at; \`account\`: whoever is logged in or has a token; \`own key\`: the token of a builder, and nothing else. No role holds another. A route without a row here does not
start, and fails \`make check\`.

| Route | Who, for what | ${roles.join(' | ')} |
| --- | --- | ${roles.map(() => '---').join(' | ')} |
${rows.join('\n')}
`;
}

function whoOf(row: Access): string {
  if ('on' in row) return row.on;
  return row.who === 'itself' ? 'own key' : row.who;
}

if (import.meta.main) writeFileSync(FILE, apiReference());
