import type { BuildId, ConfigChange, Toolchain } from '#domain';
import { configChanges, type KernelConfig } from './kconfig.ts';
import type { Running } from './running.ts';

/** One thing in which a kernel here and the one that runs are not the same. */
export interface RunningDifference {
  readonly what: 'build-id' | 'compiler' | 'linker' | 'release' | 'config';
  readonly here: string | null;
  readonly running: string | null;
  /** With "config": the symbol. */
  readonly symbol?: string;
}

export interface RunningComparison {
  readonly differences: readonly RunningDifference[];
  /** What could not be compared, because one side does not say it. */
  readonly unknown: readonly RunningDifference['what'][];
}

/** What is known here of the kernel that is compared. */
export interface ComparedKernel {
  readonly release: string | null;
  readonly toolchain: Pick<Toolchain, 'compiler' | 'linker'>;
  readonly config: KernelConfig | null;
  /** Left out where a toolchain is compared, which has none. */
  readonly buildId?: BuildId | null;
}

/** The program's own name is left out: gcc, gcc-12 and x86_64-linux-gnu-gcc-12 of one package are one compiler. */
function withoutName(compiler: string): string {
  return compiler.replace(/^\S+ /, '').replace(/^version /, '');
}

/** Says what differs; the same text is the only sameness that is believed. */
export function compareRunning(kernel: ComparedKernel, running: Running): RunningComparison {
  const differences: RunningDifference[] = [];
  const unknown: RunningDifference['what'][] = [];
  const compare = (what: RunningDifference['what'], here: string | null, there: string | null, same: boolean): void => {
    if (here === null || here === '' || there === null) unknown.push(what);
    else if (!same) differences.push({ what, here, running: there });
  };
  const { banner, buildId } = running;
  if (kernel.buildId !== undefined) compare('build-id', kernel.buildId, buildId, kernel.buildId === buildId);
  const { compiler, linker } = kernel.toolchain;
  const there = banner?.compiler ?? null;
  compare('compiler', compiler, there, there !== null && withoutName(compiler) === withoutName(there));
  compare('linker', linker, banner?.linker ?? null, linker === banner?.linker);
  compare('release', kernel.release, banner?.release ?? null, kernel.release === banner?.release);
  if (kernel.config === null || running.config === null) unknown.push('config');
  else for (const change of allChanges(kernel.config, running.config)) differences.push(ofConfig(change));
  return { differences, unknown };
}

function allChanges(here: KernelConfig, there: KernelConfig): ConfigChange[] {
  const { choices, toolchain } = configChanges(here, there);
  return [...choices, ...toolchain].toSorted((a, b) => (a.symbol < b.symbol ? -1 : a.symbol > b.symbol ? 1 : 0));
}

function ofConfig({ symbol, before, after }: ConfigChange): RunningDifference {
  return { what: 'config', symbol, here: before, running: after };
}
