import { type CveId, isCveId } from './cve-id.ts';

/** The slowest a release may be made to spread is nobody's business; the fastest is: below this no online key can hurry it. */
export interface PaceFloors {
  /** Seconds a host watches a fresh load at least, and that lie between two steps at least. */
  readonly leastSoakSeconds: number;
  /** Hosts of a kernel that one step may add at most, per cent (1 to 100). */
  readonly largestSharePercent: number;
}

/** Where release keys signed no floors: nothing is slowed. */
export const NO_FLOORS: PaceFloors = { leastSoakSeconds: 0, largestSharePercent: 100 };

/** A release must be taken off, and never loaded again. Signed by release keys; there is no way back but a new release. */
export interface Recall {
  readonly number: number;
  readonly reason: string;
  /** ISO 8601. */
  readonly at: string;
  readonly by: string;
}

/** What a host may be told to do instead of a patch: this and nothing else, so that no signed text is ever a command. */
export type MitigationAction =
  /** `blacklist` and `install … /bin/false` of modprobe.d(5): the module is not loaded any more; one that is loaded stays. */
  | { readonly kind: 'modprobe-blocklist'; readonly module: string }
  /** sysctl(8), one of `mitigatingSysctls`. */
  | { readonly kind: 'sysctl'; readonly name: string; readonly value: string };

export interface SignedMitigation {
  readonly cve: CveId;
  readonly action: MitigationAction;
  readonly reason: string;
  /** ISO 8601. */
  readonly at: string;
  /** ISO 8601: it ends then at the latest; before that with the first release on the host that has the CVE. */
  readonly until: string;
  readonly by: string;
}

/**
 * Settings that close a way to the kernel, can be taken back without a reboot, and the values that close it: Documentation/admin-guide/sysctl
 * of the kernel. Not among them: what cannot be taken back (`kernel.modules_disabled`, `kernel.kexec_load_disabled`).
 */
export const mitigatingSysctls: Readonly<Record<string, readonly string[]>> = {
  'dev.tty.ldisc_autoload': ['0'],
  'kernel.dmesg_restrict': ['1'],
  'kernel.io_uring_disabled': ['1', '2'],
  'kernel.kptr_restrict': ['1', '2'],
  'kernel.perf_event_paranoid': ['2', '3', '4'],
  'kernel.unprivileged_bpf_disabled': ['2'],
  'kernel.unprivileged_userns_clone': ['0'],
  'kernel.yama.ptrace_scope': ['1', '2'],
  'net.core.bpf_jit_enable': ['0'],
  'net.core.bpf_jit_harden': ['1', '2'],
  'net.ipv4.ip_unprivileged_port_start': ['1024'],
  'net.ipv4.tcp_sack': ['0'],
  'user.max_net_namespaces': ['0'],
  'user.max_user_namespaces': ['0'],
  'vm.unprivileged_userfaultfd': ['0'],
};

/** Longest text of a person in signed data. */
export const MAX_TERM_TEXT = 1_000;
const KERNEL_MODULE = /^[A-Za-z0-9_-]{1,55}$/;
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z$/;

export function isMitigationAction(value: unknown): value is MitigationAction {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, module, name, value: set } = value as Record<string, unknown>;
  const keys = Object.keys(value).length;
  if (kind === 'modprobe-blocklist') return keys === 2 && typeof module === 'string' && KERNEL_MODULE.test(module);
  if (kind !== 'sysctl' || keys !== 3 || typeof name !== 'string' || typeof set !== 'string') return false;
  return Object.hasOwn(mitigatingSysctls, name) && mitigatingSysctls[name]!.includes(set);
}

export function isSignedMitigation(value: unknown): value is SignedMitigation {
  if (typeof value !== 'object' || value === null) return false;
  const { cve, action, reason, at, until, by } = value as Record<string, unknown>;
  return (
    typeof cve === 'string' &&
    isCveId(cve) &&
    isMitigationAction(action) &&
    isTerm(reason) &&
    isTime(at) &&
    isTime(until) &&
    isTerm(by)
  );
}

export function isRecall(value: unknown): value is Recall {
  if (typeof value !== 'object' || value === null) return false;
  const { number, reason, at, by } = value as Record<string, unknown>;
  return (
    typeof number === 'number' &&
    Number.isSafeInteger(number) &&
    number > 0 &&
    isTerm(reason) &&
    isTime(at) &&
    isTerm(by)
  );
}

export function isPaceFloors(value: unknown): value is PaceFloors {
  if (typeof value !== 'object' || value === null) return false;
  const { leastSoakSeconds: soak, largestSharePercent: share } = value as Record<string, unknown>;
  return isWhole(soak, 0, 30 * 86_400) && isWhole(share, 1, 100);
}

export function isTime(value: unknown): value is string {
  return typeof value === 'string' && ISO_TIME.test(value) && !Number.isNaN(Date.parse(value));
}

export function isTerm(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_TERM_TEXT;
}

export function isWhole(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max;
}
