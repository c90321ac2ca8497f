/** Bounds that a program and all that it starts run under; set between fork and exec. */
export interface ProcessLimits {
  /** Bytes of address space of each single process (setrlimit(2), RLIMIT_AS). */
  readonly addressSpaceBytes?: number;
  /** Bytes of the largest file that may be written (RLIMIT_FSIZE). */
  readonly fileBytes?: number;
  /** `cgroup.procs` of a cgroup to join. */
  readonly cgroupProcs?: string;
}

/** Joins the cgroup, then becomes the program: both names are arguments, not text of the script. */
const JOIN = 'echo $$ >"$1" || exit 126; shift; exec "$@"';

/** The words that stand before a program so that it starts under these limits (sh, and prlimit of util-linux). */
export function limitWords({ addressSpaceBytes, fileBytes, cgroupProcs }: ProcessLimits): string[] {
  const bounds = [
    ...(addressSpaceBytes === undefined ? [] : [`--as=${addressSpaceBytes}`]),
    ...(fileBytes === undefined ? [] : [`--fsize=${fileBytes}`]),
  ];
  return [
    ...(cgroupProcs === undefined ? [] : ['sh', '-c', JOIN, 'limits', cgroupProcs]),
    ...(bounds.length === 0 ? [] : ['prlimit', ...bounds, '--core=0', '--']),
  ];
}
