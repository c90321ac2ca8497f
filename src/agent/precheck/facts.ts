import type { PatchedFunction } from '#domain';
import type { LoadedLivepatch } from '../plan/observation.ts';

/** Somebody who follows or changes a function: a kprobe, an ftrace or BPF user. */
export interface Probe {
  readonly kind: 'kprobe' | 'ftrace';
  readonly function: string;
  /** Name of the module; null: the kernel itself. */
  readonly module: string | null;
  /** It changes where the function goes on: no livepatch can be there as well (FTRACE_OPS_FL_IPMODIFY, direct calls). */
  readonly redirects: boolean;
}

/** What the host is, as far as a load depends on it; undefined: it cannot be told. */
export interface HostFacts {
  readonly buildId: string;
  readonly kernelRelease: string;
  /** `uname -m` as Node names it. */
  readonly arch: string;
  /** Name of each namespace of this process that is not the one the host began with. */
  readonly ownNamespaces: readonly string[];
  readonly mayLoadModules: boolean;
  readonly modulesDisabled: boolean;
  readonly requiresSignature: boolean;
  /** `none`, `integrity`, `confidentiality`; undefined: the kernel has no lockdown. */
  readonly lockdown: string | undefined;
  /** Bits of /proc/sys/kernel/tainted. */
  readonly taint: bigint;
  /** The kernel can livepatch at all. */
  readonly livepatching: boolean;
  readonly ftraceEnabled: boolean;
  readonly memoryAvailable: number | undefined;
  readonly loaded: readonly LoadedLivepatch[];
  readonly modules: ReadonlySet<string>;
  /** Functions replaced by livepatches that are on, ours and others. */
  readonly replaced: readonly PatchedFunction[];
  readonly probes: readonly Probe[] | undefined;
}
