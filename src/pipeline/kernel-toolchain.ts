import { join } from 'node:path';
import { hasCode, type Toolchain } from '#domain';
import {
  compareRunning,
  identifyToolchain,
  type KernelConfig,
  KernelError,
  type RunningComparison,
  readKernelConfig,
  readRunning,
  readRunningBytes,
  treeLayout,
} from '#kernel';
import { type KernelRow, needKernel, type Store } from '#store';

/**
 * The toolchain of an imported kernel: what made it, by its own words, in the root where a compiler is looked for. `here` is
 * the compiler that is really there, or null. What is compiled for a proof is refused when the two differ.
 */
export async function toolchainFor(
  { chroot, cross }: { readonly chroot: string | null; readonly cross?: string | undefined },
  made: Pick<Toolchain, 'compiler' | 'linker'>,
): Promise<{ toolchain: Toolchain; here: Toolchain | null }> {
  const here = await identifyToolchain(chroot, cross).catch((error: unknown) => {
    // Only where nobody named one: an import needs no compiler.
    if (chroot === null && cross === undefined && hasCode(error, 'toolchain-missing')) return null;
    throw error;
  });
  const kind = here?.kind ?? 'host';
  const base = { kind, root: chroot, ...made, ...(cross === undefined ? {} : { cross }) };
  return { toolchain: here?.image === undefined ? base : { ...base, image: here.image }, here };
}

/** A source of another version would make every verdict wrong. Errors: source-changed. */
export function requireSameVersion(release: string, version: string, where: string): void {
  const [made, given] = [release, version].map((text) => /^(\d+\.\d+)(?:\.(\d+))?/.exec(text));
  // A distribution's 6.1.0-13 counts its own interface in the third place.
  const counts = made?.[2] !== undefined && made[2] !== '0';
  if (made?.[1] === given?.[1] && (!counts || made[2] === given?.[2])) return;
  throw new KernelError('source-changed', 'input', {
    what: `the source is ${version}, and the kernel is ${release}`,
    where,
    remedy: 'give the source this very kernel was built from',
  });
}

/** What differs between a kernel here and the one that runs, which is read from a file or given as bytes. */
export async function compareWithRunning(
  store: Store,
  name: string,
  running: string | Buffer,
): Promise<RunningComparison> {
  const kernel = await needKernel(store.db, name);
  const read = typeof running === 'string' ? await readRunning(running) : await readRunningBytes(running, '-');
  return compareRunning({ ...kernel, config: await configOf(kernel) }, read);
}

/** The configuration of a kernel's tree, or null when it is not here. */
async function configOf(kernel: KernelRow): Promise<KernelConfig | null> {
  if (kernel.treeDirectory === '') return null;
  const file = join(treeLayout(kernel.treeDirectory).build, '.config');
  return readKernelConfig(file).catch(() => null);
}
