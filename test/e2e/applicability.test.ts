/**
 * The ladder against an oracle that is not our code: plain `patch`, `make` and `objdump` say which of the given fixes
 * change an object of the kernel; none of those may be dismissed by any rung.
 */
import assert from 'node:assert/strict';
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Verdict } from '#domain';
import { runSandboxed } from '#host';
import { readProfile, treeLayout } from '#kernel';
import { parseDiff } from '#patch';
import { cacheRoot } from './prepare/cache.ts';
import { type Cli, cliIn } from './prepare/cli.ts';
import { type BuiltKernel, builtKernel, source61, sourceOr } from './prepare/kernels.ts';
import { sharedFeeds, sharedFixes } from './prepare/shared.ts';

const fixes = sharedFixes();
const skip =
  process.env['E2E_FULL'] === undefined
    ? 'only in the long proof'
    : fixes === undefined && '../shared is not there: no fixes';
/** As many as `triage prove` compiles by default; beyond it the oracle takes for granted that something changes. */
const MAX_OBJECTS = 64;

const cache = cacheRoot();
let data: string;
let tuxtape: Cli;

before(async () => {
  data = await mkdtemp(join(tmpdir(), 'tuxtape-e2e-'));
  tuxtape = cliIn(data, join(cache, 'kernels'));
});
after(() => rm(data, { recursive: true, force: true }));

interface GivenFix {
  readonly cve: string;
  readonly fixCommit: string;
}

test('no CVE whose fix changes an object of the build is dismissed by any rung', { skip }, async (t) => {
  const toolchain = join(cache, 'toolchain/trixie');
  await tuxtape('toolchain', 'make', toolchain);
  const source = await sourceOr(t, () => source61(cache));
  if (source === undefined || !source.version.startsWith('6.1.170'))
    return t.skip('the exact kernel source is not there');
  const kernel = await builtKernel(tuxtape, cache, 'server', source, toolchain);
  const feeds = (await sharedFeeds(cache))!;
  await tuxtape('feed', 'sync', '--lore', feeds.lore, '--vulns', feeds.vulns);
  const given = JSON.parse(await readFile(join(fixes!, 'index.json'), 'utf8')) as GivenFix[];
  const cves = [...new Set(given.map(({ cve }) => cve))];
  await tuxtape('triage', '--kernel', kernel.name, 'prove', ...cves, '--fixes', fixes!);
  const verdicts = new Map<string, Verdict>();
  for (const status of ['affected', 'not_affected', 'fixed', 'under_investigation']) {
    const listed = (await tuxtape('triage', '--kernel', kernel.name, '--status', status, '--limit', '0')) as {
      verdicts: Verdict[];
    };
    for (const verdict of listed.verdicts) verdicts.set(verdict.cve, verdict);
  }
  const counts = new Map<string, number>();
  const wrong: string[] = [];
  const oracle = await Oracle.on(kernel);
  for (const { cve, fixCommit } of given) {
    const word = await oracle.changes(await readFile(join(fixes!, `${fixCommit}.patch`), 'utf8'));
    const verdict = verdicts.get(cve)!;
    const rung = verdict.evidence.findLast(({ outcome }) => outcome !== 'inconclusive')?.rung ?? 'none';
    const key = `oracle: ${word}, verdict: ${verdict.status} by ${rung}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    const dismissed = verdict.status === 'not_affected' || verdict.status === 'fixed';
    if (word !== 'nothing changes' && dismissed) wrong.push(`${cve} ${fixCommit}: ${word}`);
  }
  for (const key of [...counts.keys()].toSorted()) console.log(`  ${counts.get(key)} ${key}`);
  assert.deepEqual(wrong, []);
});

type Word = 'nothing changes' | 'an object changes' | 'does not build' | 'read by many objects';

/** A copy of the built tree in which plain programs try each fix. */
class Oracle {
  readonly #tree: string;
  readonly #kernel: BuiltKernel;
  readonly #files: ReadonlyMap<string, readonly string[]>;

  private constructor(tree: string, kernel: BuiltKernel, files: ReadonlyMap<string, readonly string[]>) {
    this.#tree = tree;
    this.#kernel = kernel;
    this.#files = files;
  }

  static async on(kernel: BuiltKernel): Promise<Oracle> {
    const built = treeLayout(kernel.treeDirectory).build;
    const tree = join(cache, 'oracle', kernel.buildId);
    await rm(tree, { recursive: true, force: true });
    await mkdir(dirname(tree), { recursive: true });
    await cp(built, tree, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    const { files, objects } = await readProfile(tree);
    const readers = [...files].map(([path, users]) => [path, users.map((index) => objects[index]!.object)] as const);
    return new Oracle(tree, kernel, new Map(readers));
  }

  async changes(patch: string): Promise<Word> {
    const paths = parseDiff(patch, 'a given fix').map(({ path }) => path);
    const objects = [...new Set(paths.flatMap((path) => this.#files.get(path) ?? []))];
    if (objects.length === 0) return 'nothing changes';
    if (objects.length > MAX_OBJECTS) return 'read by many objects';
    const commands = objects.map((object) => join(dirname(object), `.${object.split('/').at(-1)}.cmd`));
    const kept = await this.#keep([...paths, ...objects, ...commands]);
    try {
      const before = await this.#code(objects);
      await this.#run('patch -p1 --force --fuzz=0', patch);
      const after = await this.#run(`make -s -j2 ${objects.join(' ')}`).then(
        () => this.#code(objects),
        () => null,
      );
      if (after === null) return 'does not build';
      return after === before ? 'nothing changes' : 'an object changes';
    } finally {
      await kept.restore();
    }
  }

  /** Code and data of objects as objdump prints them, without what debuggers read. */
  async #code(objects: readonly string[]): Promise<string> {
    const sections = '-j .text -j .init.text -j .exit.text -j .rodata -j .data -j .text.unlikely -j .noinstr.text';
    const dumps = objects.map(
      (object) =>
        `objdump -dr --no-addresses --no-show-raw-insn ${object}; objdump -s ${sections} ${object} 2>/dev/null | wc -c`,
    );
    const { stdout } = await this.#run(dumps.join('; '));
    return stdout;
  }

  async #run(command: string, input?: string): Promise<{ stdout: string }> {
    const mounts = [{ from: this.#tree, to: '/mnt/linux', writable: true }];
    const sandbox = { root: this.#kernel.toolchain.root, mounts, cwd: '/mnt/linux' };
    return runSandboxed(sandbox, 'sh', ['-c', command], {
      timeoutMs: 600_000,
      maxOutput: 512 << 20,
      ...(input !== undefined && { input }),
    });
  }

  /** Puts files back as they were, times included: make must find nothing to do afterwards. */
  async #keep(paths: readonly string[]): Promise<{ restore(): Promise<void> }> {
    const home = await mkdtemp(join(tmpdir(), 'tuxtape-oracle-'));
    const kept: { path: string; copy: string; time: Date }[] = [];
    const added: string[] = [];
    for (const [i, path] of paths.entries()) {
      const file = join(this.#tree, path);
      const found = await stat(file).catch(() => undefined);
      if (found === undefined) added.push(file);
      else {
        kept.push({ path: file, copy: join(home, String(i)), time: found.mtime });
        await copyFile(file, join(home, String(i)));
      }
    }
    return {
      restore: async () => {
        for (const file of added) await rm(file, { force: true });
        for (const { path, copy, time } of kept) {
          await copyFile(copy, path);
          await utimes(path, time, time);
        }
        await rm(home, { recursive: true });
      },
    };
  }
}
