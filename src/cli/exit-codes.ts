import type { Fault } from '#domain';

/**
 * Exit codes, after sysexits(3) where one fits. Documented in docs/reference/cli.md.
 * 0 = done; 1 = a defect of TuxTape; 130 = stopped by Ctrl-C; 141 = whoever read the output went away, as of a program that SIGPIPE ends.
 */
export const exitCodes = {
  us: 1,
  archiveDue: 10, // of `archive status` only: a signature should have been renewed by now
  archiveExpired: 11, // the same: hosts believe it no more
  usage: 64, // EX_USAGE: unknown command or flag
  input: 65, // EX_DATAERR: a file, config or argument is wrong
  network: 68, // EX_NOHOST: the other side does not answer
  toolchain: 69, // EX_UNAVAILABLE: a program or resource of this machine is missing
  'kernel-source': 70,
  patch: 71,
  untrusted: 76, // EX_PROTOCOL: the other side sent something that must not be believed
  interrupted: 130,
  readerGone: 141,
} as const;

export function exitCodeOf(fault: Fault): number {
  return exitCodes[fault];
}
