import { copyFile, cp, mkdir, mkdtemp, readFile, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { runSandboxed } from '#host';
import { treeLayout } from '#kernel';
import { cacheRoot } from './cache.ts';
import type { BuiltKernel } from './kernels.ts';

type OracleKernel = Pick<BuiltKernel, 'name' | 'treeDirectory' | 'toolchain'>;

/** As many as `triage prove` compiles by default; beyond it the oracle takes for granted that something changes. */
const MAX_OBJECTS = 64;

export type Word = 'nothing changes' | 'an object changes' | 'does not build' | 'read by many objects';

/**
 * Says which fixes change an object of a built kernel, with none of our code: `grep` finds the objects that read a patched
 * file in the command files, `patch` and `make` build them anew in a copy of the tree, `objdump` compares.
 */
export class Oracle {
  readonly #tree: string;
  readonly #kernel: OracleKernel;
  /** Objects that a whole build would make, of a tree that was configured only; null for a built one. */
  #planned: ReadonlySet<string> | null = null;

  private constructor(tree: string, kernel: OracleKernel) {
    this.#tree = tree;
    this.#kernel = kernel;
  }

  /**
   * With `partly`, the tree was configured only: the objects of changed sources are made first, where a whole build would.
   * Asked for one by one, Kbuild makes any object, also those that the configuration leaves out.
   */
  static async on(kernel: OracleKernel, partly = false): Promise<Oracle> {
    const tree = join(cacheRoot(), 'oracle', kernel.name);
    await rm(tree, { recursive: true, force: true });
    await mkdir(dirname(tree), { recursive: true });
    const options = { recursive: true, preserveTimestamps: true, verbatimSymlinks: true };
    await cp(treeLayout(kernel.treeDirectory).build, tree, options);
    const oracle = new Oracle(tree, kernel);
    if (partly) oracle.#planned = await oracle.#plan();
    return oracle;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#tree, { recursive: true, force: true });
  }

  async changes(patch: string): Promise<Word> {
    const paths = [...patch.matchAll(/^\+\+\+ (?:b\/)?(\S+)/gm)].map((match) => match[1]!);
    if (this.#planned !== null) {
      // What reads a header is not known here; nothing but a whole build would tell.
      if (paths.some((path) => path.endsWith('.h'))) return 'read by many objects';
      const sources = paths.filter((path) => /\.[cS]$/.test(path));
      const own = sources.map((path) => path.replace(/\.[cS]$/, '.o')).filter((path) => this.#planned?.has(path));
      if (own.length > 0) await this.#run(`make -k -s -j2 ${own.join(' ')} || true`);
    }
    const objects = await this.#readers(paths);
    if (objects.length === 0) return 'nothing changes';
    if (objects.length > MAX_OBJECTS) return 'read by many objects';
    const commands = objects.map(commandOf);
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

  async #plan(): Promise<Set<string>> {
    const clear = "find . -name '*.o' -not -path './tools/*' -not -path './scripts/*' -delete";
    // Without its objects the link at the end has no rule; what comes before it is said all the same.
    const { stdout } = await this.#run(`${clear}; make -n -k vmlinux modules 2>&1 || true`);
    return new Set(Array.from(stdout.matchAll(/ -o (\S+\.o)\b/g), (match) => match[1]!));
  }

  async #readers(paths: readonly string[]): Promise<string[]> {
    const patterns = paths.map((path) => `-e '[ /]${path.replaceAll('.', String.raw`\.`)}\\( \\|$\\)'`).join(' ');
    const find = `grep -rl --include='.*.o.cmd' ${patterns} . || test $? = 1`;
    const { stdout } = await this.#run(find);
    const commands = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('./tools/'));
    const objects = commands.map((path) => join(dirname(path), basename(path).slice(1, -'.cmd'.length)));
    const forKernel = await Promise.all(
      objects.map(async (object) =>
        (await readFile(join(this.#tree, commandOf(object)), 'latin1')).includes('-D__KERNEL__'),
      ),
    );
    return objects.filter((_, i) => forKernel[i]);
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

function commandOf(object: string): string {
  return join(dirname(object), `.${basename(object)}.cmd`);
}
