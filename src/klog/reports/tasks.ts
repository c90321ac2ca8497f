/**
 * A call trace follows, and it is no report: an allocation failed (warn_alloc of mm/page_alloc.c), memory ran out, a device
 * counts wrongly (netdev_rx_csum_fault of net/core/dev.c).
 */
const TRACES = ' invoked oom-killer: |: (?:page allocation|vmalloc)[ :]|: hw csum failure$';

/**
 * Words of the kernel about a task begin with its name: 15 bytes that any user chooses, `BUG: Bad x` or `Oops: 0000 [#1]`.
 * What follows the name tells them from a report: a process id (arch/x86/kernel/signal.c, arch/x86/entry/vsyscall,
 * kernel/exit.c), or one of the phrases of mm/oom_kill.c, lib/ratelimit.c, kernel/{signal,sysctl,time/itimer}.c, net/socket.c.
 */
const ABOUT = new RegExp(
  `^.{1,15}(?:\\[\\d{1,10}\\][: ]| ?\\((?:pid )?\\d{1,10}\\)|/\\d{1,10}: |${TRACES}|: \\d+ output lines suppressed|: potentially unexpected fatal signal| uses obsolete | calls setitimer\\(\\) | wrote to )`,
);

/** Names of devices may have their driver's before them; `sysrq: ` is what somebody asked for (drivers/tty/sysrq.c). */
const DUMP = new RegExp(`^.{1,15}(?:${TRACES})|: hw csum failure$|^sysrq: `);

/** The line begins with the name of a task or device: it begins no report, whatever the name. */
export function isAboutTask(text: string): boolean {
  return ABOUT.test(text);
}

/** A call trace follows that is of no report. */
export function beginsDump(text: string): boolean {
  return DUMP.test(text);
}
