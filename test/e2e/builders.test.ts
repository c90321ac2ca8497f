/** A server and two builders as programs of their own: a livepatch made by a builder is the one that is made here. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { plainEnvironment } from '#host';
import { cacheRoot } from './prepare/cache.ts';
import { type Cli, cliIn, failing } from './prepare/cli.ts';
import { builtKernel, source72, sourceOr } from './prepare/kernels.ts';

const PATCH = join(import.meta.dirname, 'patches/7.2-cmdline.patch');
const ROOT = join(import.meta.dirname, '../..');
const cache = cacheRoot();
const trees = join(cache, 'kernels');
const folders: string[] = [];
const programs: ChildProcess[] = [];

after(async () => {
  for (const program of programs) await ended(program, 'SIGTERM');
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

test('a builder makes for the server what the server would have made; one that is killed is replaced', async (t) => {
  const source = await sourceOr(t, () => source72(cache));
  if (source === undefined) return;
  const [data, forge] = [await folder(), await folder()];
  const [tuxtape, onForge] = [cliIn(data, trees), cliIn(forge, trees)];
  await builtKernel(tuxtape, cache, 'small', source, null);
  await builtKernel(onForge, cache, 'small', source, null);
  const here = await builtBy(tuxtape, data);
  await tuxtape('livepatch', 'list');

  const server = await startServer(data);
  const token = join(data, 'forge.token');
  await tuxtape('builder', 'add', 'forge', '--token-file', token);
  const asked = builtBy(tuxtape, data, '--queue');
  const first = startBuilder(forge, server, token);
  await printed(first, /"what":"taken"/);
  await ended(first, 'SIGKILL');
  startBuilder(forge, server, token);
  const there = await asked;
  assert.ok(there.module.equals(here.module), 'the module of the builder differs');
  assert.deepEqual(there.recipe, here.recipe);
  assert.match(there.provenance, /urn:tuxtape:builder:forge/);
  const [job] = await jobs(tuxtape);
  assert.deepEqual([job?.state, job?.attempt, job?.deaths, job?.builder], ['done', 2, 1, 'forge']);
  const [builder] = (await tuxtape('builder', 'list')) as { name: string; kernels: string[] }[];
  assert.equal(builder?.kernels.length, 1);

  const refused = ['livepatch', 'build', '--kernel', 'small', '--queue', '--patch', await harmless()];
  const { error, exitCode } = await failing(tuxtape(...refused));
  assert.deepEqual([error.code, exitCode], ['nothing-changed', 71], 'a failure is told as if it had been met here');
});

interface Job {
  readonly state: string;
  readonly attempt: number;
  readonly deaths: number;
  readonly builder: string | null;
}

async function jobs(tuxtape: Cli): Promise<Job[]> {
  return (await tuxtape('job', 'list')) as Job[];
}

async function builtBy(tuxtape: Cli, data: string, ...flags: string[]) {
  const built = await tuxtape('livepatch', 'build', '--kernel', 'small', '--patch', PATCH, '--by', 'test', ...flags);
  const kept = join(data, 'livepatches', (built as { livepatch: { id: string } }).livepatch.id);
  const text = (name: string): Promise<string> => readFile(join(kept, name), 'utf8');
  const recipe: unknown = JSON.parse(await text('recipe.json'));
  return { module: await readFile(join(kept, 'module.ko')), recipe, provenance: await text('provenance.json') };
}

/** A change that compiles to the same code. */
async function harmless(): Promise<string> {
  const text = (await readFile(PATCH, 'utf8')).replace(/^\+\tseq_puts.*$/m, "+\tseq_putc(m, '\\n'); /* the same */");
  const path = join(await folder(), 'harmless.patch');
  await writeFile(path, text);
  return path;
}

async function startServer(data: string): Promise<string> {
  const off = ['NVD_URL', 'KEV_URL', 'VULNRICHMENT_URL', 'EPSS_URL', 'EXPLOITS_DIRECTORY'];
  const server = start(['src/server/main.ts'], {
    ...{ TUXTAPE_DATA: data, TUXTAPE_KERNEL_TREES: trees, TUXTAPE_SERVER_PORT: '0', TUXTAPE_KERNEL_BUILDS: '0' },
    ...{ TUXTAPE_FEED_LORE: join(data, 'none'), TUXTAPE_FEED_VULNS: join(data, 'none') },
    ...Object.fromEntries(off.map((name) => [`TUXTAPE_SIGNALS_${name}`, 'none'])),
  });
  return (await printed(server, /"listening":"([^"]+)"/))[1]!;
}

async function printed(child: ChildProcess, wanted: RegExp): Promise<RegExpExecArray> {
  let said = '';
  for await (const text of child.stdout!.setEncoding('utf8')) {
    said += text as string;
    const found = wanted.exec(said);
    if (found !== null) return found;
  }
  throw new TypeError(`it ended without a word like ${wanted.source}`);
}

function startBuilder(data: string, server: string, token: string): ChildProcess {
  const env = { TUXTAPE_DATA: data, TUXTAPE_KERNEL_TREES: trees };
  return start(['src/builder/main.ts'], { ...env, TUXTAPE_BUILDER_SERVER: server, TUXTAPE_BUILDER_TOKEN_FILE: token });
}

function start(args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: plainEnvironment(env),
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  programs.push(child);
  return child;
}

async function ended(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'tuxtape-e2e-'));
  folders.push(made);
  return made;
}
