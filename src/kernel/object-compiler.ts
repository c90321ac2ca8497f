import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Toolchain } from '#domain';
import { exists, type Mount, ProgramError, runSandboxed } from '#host';
import { compileCommand, OBJECT_OUT } from './compile-command.ts';
import { KernelError } from './error.ts';
import { IN_TREE, reproducible } from './sandbox.ts';

/** Of one object: the largest of a kernel take some seconds and a GiB. */
const LIMITS = {
  timeoutMs: 300_000,
  family: { memoryBytes: 4 * 2 ** 30, processes: 64 },
  limits: { fileBytes: 2 ** 30 },
};
/** The tree a second time, for the folders that are made anew. */
const BESIDE = '/mnt/tree';

/** Files laid over a tree that itself is never written to; leaves nothing behind. */
export interface Overlay extends AsyncDisposable {
  readonly mounts: readonly Mount[];
}

/**
 * Lays texts, a character a byte, over files of a tree, by mounts: nothing is copied, and many may be laid over one tree at the same time. A
 * folder that gets a new file is made of links to its old ones.
 */
export async function overlay(tree: string, files: ReadonlyMap<string, string>): Promise<Overlay> {
  const home = await mkdtemp(join(tmpdir(), 'tuxtape-overlay-'));
  const folders = new Map<string, string>();
  for (const path of files.keys()) {
    const folder = dirname(path);
    if (!folders.has(folder) && !(await exists(join(tree, path))))
      folders.set(folder, await linkedFolder(tree, folder, join(home, `folder${folders.size}`)));
  }
  const mounts = [...folders].map(([folder, from]) => ({ from, to: `${IN_TREE}/${folder}` }));
  for (const [path, text] of files) {
    const folder = folders.get(dirname(path));
    const from = folder === undefined ? join(home, `file${mounts.length}`) : join(folder, basename(path));
    await rm(from, { force: true });
    await writeFile(from, text, 'latin1');
    if (folder === undefined) mounts.push({ from, to: `${IN_TREE}/${path}` });
  }
  return {
    mounts: [{ from: tree, to: BESIDE }, ...mounts],
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}

async function linkedFolder(tree: string, folder: string, copy: string): Promise<string> {
  await mkdir(copy);
  const names = await readdir(join(tree, folder)).catch((cause: unknown) => {
    throw new KernelError('command-unsupported', 'patch', {
      what: `the fix adds a folder, ${folder}`,
      where: folder,
      remedy: 'it is not proved by compilation',
      cause,
    });
  });
  for (const name of names) await symlink(`${BESIDE}/${folder}/${name}`, join(copy, name));
  return copy;
}

export interface CompileOptions {
  readonly tree: string;
  readonly toolchain: Toolchain;
  /** As the profile names it, e.g. `net/ipv4/udp.o`. */
  readonly object: string;
  readonly overlay: Overlay;
  /** As those of `CompileCommand`. */
  readonly flags?: readonly string[];
  readonly debug?: boolean;
  readonly finished?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Compiles one object of a built tree with the command that built it, and gives its bytes; the tree is mounted read-only.
 * Errors: command-unsupported, object-not-compiled (with the compiler's first error).
 */
export async function compileObject(options: CompileOptions): Promise<Buffer> {
  const { tree, toolchain, object, signal } = options;
  const cmd = join(tree, dirname(object), `.${basename(object)}.cmd`);
  const command = compileCommand(await readFile(cmd, 'utf8'), { ...options, name: basename(object) });
  const out = await mkdtemp(join(tmpdir(), 'tuxtape-object-'));
  try {
    const mounts: Mount[] = [
      { from: tree, to: IN_TREE },
      { from: out, to: OBJECT_OUT, writable: true },
      ...options.overlay.mounts,
    ];
    const sandbox = { root: toolchain.root, mounts, cwd: IN_TREE, env: reproducible };
    await runSandboxed(sandbox, 'sh', ['-c', command], { ...LIMITS, ...(signal && { signal }) });
    return await readFile(join(out, basename(object)));
  } catch (error) {
    if (!(error instanceof ProgramError) || error.code !== 'program-failed') throw error;
    const line = error.stderr.split('\n').find((text) => /\berror: /.test(text)) ?? error.stderr.slice(0, 200);
    throw new KernelError('object-not-compiled', 'patch', {
      what: `${object} does not compile: ${line.trim().slice(0, 300)}`,
      where: object,
      cause: error,
    });
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}
