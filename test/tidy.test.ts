/** What the compiler and the linter cannot see: the shape of the house. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { test } from 'node:test';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { createLogger } from '#host';
import type { Store } from '#store';
import { exitCodes } from '../src/agent/report/exit-codes.ts';
import { access } from '../src/server/access.ts';
import { createApp } from '../src/server/app.ts';
import { apiReference } from '../tools/api-reference.ts';
import { arrows } from '../tools/arrows.ts';
import { configReference } from '../tools/config-reference.ts';
import { lintReference } from '../tools/lint-reference.ts';
import { tsconfigs } from '../tools/tsconfigs.ts';

const root = join(import.meta.dirname, '..');
const MAX_FILE_LINES = 400;
const MEDIAN_FILE_LINES = 90;

function walk(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

const source = walk('src').filter((path) => /\.tsx?$/.test(path));

interface Import {
  readonly file: string;
  readonly target: string;
}

const imports: Import[] = source.flatMap((file) => {
  const text = read(file);
  const found = [
    ...text.matchAll(/(?:^|\n)\s*(?:import|export)\b[^'";]*?from\s*'([^']+)'/g),
    ...text.matchAll(/\bimport\(\s*'([^']+)'/g),
    ...text.matchAll(/(?:^|\n)import\s*'([^']+)'/g),
  ];
  return found.map((match) => ({ file, target: match[1]! }));
});

function folderOf(path: string): string {
  return path.split('/')[1]!;
}

test('every folder of src stands in the arrow table', () => {
  const folders = new Set(source.map(folderOf));
  for (const folder of folders) assert.ok(Object.hasOwn(arrows, folder), `src/${folder} is not in tools/arrows.ts`);
});

test('a folder imports only what the arrow table says, and through its face', () => {
  const wrong = imports.filter(
    ({ file, target }) => target.startsWith('#') && !arrows[folderOf(file)]!.includes(target.slice(1)),
  );
  assert.deepEqual(wrong, []);
});

test('no relative import leaves its folder', () => {
  const wrong = imports.filter(({ file, target }) => {
    if (!target.startsWith('.')) return false;
    return !join(file, '..', target).startsWith(`src/${folderOf(file)}/`);
  });
  assert.deepEqual(wrong, []);
});

test('the tsconfig files are what the arrow table says', () => {
  for (const [path, text] of tsconfigs()) assert.equal(read(path), text, `${path}: run "node tools/tsconfigs.ts"`);
});

test('the arrow table has no circle', () => {
  const open = new Set<string>();
  const visit = (folder: string): void => {
    assert.ok(!open.has(folder), `circle through ${folder}`);
    open.add(folder);
    for (const target of arrows[folder]!) visit(target);
    open.delete(folder);
  };
  for (const folder of Object.keys(arrows)) visit(folder);
});

test('domain and klog know nothing of the machine', () => {
  const wrong = imports.filter(
    ({ file, target }) => ['domain', 'klog'].includes(folderOf(file)) && target.startsWith('node:'),
  );
  assert.deepEqual(wrong, []);
});

test('programs, the network and the environment are reached only through host', () => {
  const doors = [/from 'node:child_process'/, /\bprocess\.env\b/, /(?<![.\w])fetch\(/];
  const wrong = source.filter(
    (path) => !['host', 'web'].includes(folderOf(path)) && doors.some((door) => door.test(withoutComments(read(path)))),
  );
  assert.deepEqual(wrong, []);
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

/** Written by tools/schema-types.ts: a row type for each table. */
const GENERATED = 'src/store/schema.ts';

test('files are short and named in kebab case', () => {
  const lengths = source
    .filter((path) => path !== GENERATED)
    .map((path) => ({ path, lines: read(path).split('\n').length }))
    .toSorted((a, b) => a.lines - b.lines);
  assert.deepEqual(
    lengths.filter(({ lines }) => lines > MAX_FILE_LINES),
    [],
  );
  const median = lengths[Math.floor(lengths.length / 2)]!.lines;
  assert.ok(median <= MEDIAN_FILE_LINES, `the median file has ${median} lines`);
  const names = [...source, ...walk('test'), ...walk('testkit'), ...walk('bench'), ...walk('tools')].filter((path) =>
    /\.tsx?$/.test(path),
  );
  assert.deepEqual(
    names.filter((path) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d|\.config)?\.tsx?$/.test(basename(path))),
    [],
  );
});

test('every stage that can fail has one closed set of error codes', () => {
  for (const folder of Object.keys(arrows).filter((name) => source.some((path) => path.startsWith(`src/${name}/`)))) {
    const throwing = source.filter((path) => folderOf(path) === folder && /\bthrow new Error\(/.test(read(path)));
    assert.deepEqual(throwing, [], 'throw the error class of the stage, with a code');
  }
});

test('every fixture is used', () => {
  const code = [...source, ...walk('test'), ...walk('testkit'), ...walk('tools'), ...walk('bench')]
    .filter((path) => path.endsWith('.ts'))
    .map(read)
    .join('\n');
  for (const folder of existsSync(join(root, 'fixtures')) ? readdirSync(join(root, 'fixtures')) : [])
    assert.ok(code.includes(folder), `fixtures/${folder} is not used`);
  for (const folder of existsSync(join(root, 'test/corpus')) ? readdirSync(join(root, 'test/corpus')) : [])
    assert.ok(code.includes(folder), `test/corpus/${folder} is not used`);
});

test("nothing names a path of somebody's machine", () => {
  const files = [...source, ...walk('tools'), ...walk('bin'), ...walk('docs'), 'README.md', 'Makefile'].filter((path) =>
    existsSync(join(root, path)),
  );
  const wrong = files.filter((path) => /\/(?:root|home\/[a-z]+|work)\/[A-Za-z0-9._-]+/.test(read(path)));
  assert.deepEqual(wrong, []);
});

test('the references are those of the code', () => {
  assert.equal(read('docs/reference/config.md'), configReference(), 'run "node tools/config-reference.ts"');
  assert.equal(read('docs/reference/lint.md'), lintReference(), 'run "node tools/lint-reference.ts"');
  assert.equal(read('docs/reference/api.md'), apiReference(), 'run "node tools/api-reference.ts"');
  const agent = read('docs/reference/agent.md');
  for (const [code, exit] of Object.entries(exitCodes)) {
    assert.match(agent, new RegExp(`\\| ${exit} +\\| \`${code}\` `), `docs/reference/agent.md lacks ${code}`);
  }
});

test('every route stands in the access table, and every row is that of a route', async () => {
  // No database is reached: routes are only registered. One without a row throws (route-unlisted).
  const db: Store['db'] = new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool() }) });
  const store = { db } as Store;
  const oidc = { issuer: 'https://provider.example.org', clientId: 'tidy', clientSecret: '' };
  const app = await createApp({ store, sources: new Map(), version: 'tidy', log: createLogger('silent'), oidc });
  await app.ready();
  for (const route of Object.keys(access).filter((key) => key !== 'GET /*')) {
    const [method, url] = route.split(' ') as ['GET', string];
    assert.ok(app.hasRoute({ method, url }), `${route} is in src/server/access.ts, and is no route`);
  }
  await app.close();
});
