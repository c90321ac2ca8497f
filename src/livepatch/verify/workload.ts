import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Toolchain } from '#domain';
import { HostError, ProgramError, runSandboxed } from '#host';
import type { PayloadFile } from '../vm/initramfs.ts';
import { type KernelModules, spareModule } from '../vm/kernel-modules.ts';

const SOURCES = join(import.meta.dirname, '../vm');
const COMPILE_MS = 60_000;
/** Bounds what a compiler in a foreign root may leave us. */
const MAX_PROGRAM_BYTES = 16 << 20;

export interface Workload {
  readonly files: readonly PayloadFile[];
  /** Modules that must be in the machine for it. */
  readonly modules: readonly string[];
  /** Null: whole. Else what it is without. */
  readonly lacks: string | null;
}

/** What works in the machine while functions are switched; compiled where there is a compiler, else the shell's part alone. */
export async function workload(
  toolchain: Toolchain | null,
  modules: KernelModules,
  targets: readonly string[],
): Promise<Workload> {
  const files: PayloadFile[] = [
    { path: 'workload.sh', content: await readFile(join(SOURCES, 'workload.sh')), mode: 0o755 },
  ];
  const spare = spareModule(modules, targets);
  const name = spare?.file.split('/').at(-1);
  if (name !== undefined) files.push({ path: 'modules/spare', content: Buffer.from(`${name}\n`) });
  const roots = [...new Set([toolchain?.cross === undefined ? (toolchain?.root ?? null) : null, null])];
  let lacks = '';
  for (const root of roots) {
    const program = await compiled(root);
    if (typeof program !== 'string') {
      files.push({ path: 'workload', content: program, mode: 0o755 });
      return { files, modules: names(spare), lacks: null };
    }
    lacks = program;
  }
  return { files, modules: names(spare), lacks: `sockets, memory, threads and the like: ${lacks}` };
}

function names(spare: { readonly file: string } | undefined): string[] {
  return spare === undefined ? [] : [spare.file.split('/').at(-1)!.replace(/\.ko$/, '').replaceAll('-', '_')];
}

/** The program, or why there is none. */
async function compiled(root: string | null): Promise<Buffer | string> {
  const folder = await mkdtemp(join(tmpdir(), 'tuxtape-workload-'));
  try {
    await copyFile(join(SOURCES, 'workload.c'), join(folder, 'workload.c'));
    const args = ['-O1', '-s', '-static', '-pthread', '-o', 'workload', 'workload.c'];
    const sandbox = { root, mounts: [{ from: folder, to: '/mnt/work', writable: true }], cwd: '/mnt/work' };
    await runSandboxed(sandbox, 'gcc', args, { timeoutMs: COMPILE_MS });
    const program = await readFile(join(folder, 'workload'));
    return program.length > MAX_PROGRAM_BYTES ? 'the compiled workload is too large' : program;
  } catch (error) {
    if (error instanceof ProgramError || error instanceof HostError) return error.message.slice(0, 200);
    throw error;
  } finally {
    await rm(folder, { recursive: true });
  }
}
