/** How the log came to us; each writes lines in its own way. */
export const transports = [
  'console',
  'kmsg',
  'netconsole',
  'journal-short',
  'journal-json',
  'journal-json-pretty',
  'journal-export',
  'journal-verbose',
] as const;

export type Transport = (typeof transports)[number];

/**
 * One line of the kernel's log, whatever brought it: what printk was given, without priority, time, caller, colours, host
 * and carriage return. A record of several lines is several of these.
 */
export interface LogLine {
  /** Line of the input it stands in, from 1. */
  readonly number: number;
  readonly text: string;
  /** Seconds since boot; null where the line says none. */
  readonly time: number | null;
  /** 0 (emergency) to 7 (debug), as linux/kern_levels.h; null where the line says none. */
  readonly level: number | null;
  /** Who printed it: `T123` a task, `C1` a processor (kernel/printk, CONFIG_PRINTK_CALLER); null where the line says none. */
  readonly caller: string | null;
  /**
   * The kernel wrote it. False: the transport says another did (a facility that is not 0, another journal identifier), or
   * the text stands where a program's words stand. Such a line is never part of a report.
   */
  readonly fromKernel: boolean;
  /** It stands behind a line feed of its record, where names of files and devices can stand: nothing begins there. */
  readonly rest: boolean;
}
