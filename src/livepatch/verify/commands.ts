/** What is run in the machine: busybox shell. Every name in it was held against `isPlain`. */

const TRANSITION_TIMEOUT_S = 60;
/** Exit code of a command that could not look: the step is skipped, with what it printed. */
export const CANNOT = 77;
const TRACING = '/sys/kernel/tracing';
/** A function that ran as often as this is not counted further: each count takes the stack. */
const MAX_HITS = 10_000;

/** Names that need no quoting in a shell: of modules, of their files, and of functions. */
export function isPlain(name: string): boolean {
  return /^[\w.+-]+$/.test(name) && !name.startsWith('-');
}

export function sysfsOf(moduleName: string): string {
  return `/sys/kernel/livepatch/${moduleName}`;
}

/** Waits until no transition of it runs any more; prints what blocks it when it does not end. */
export function waitFor(moduleName: string): string {
  const dir = sysfsOf(moduleName);
  return `i=0
while [ "$(cat ${dir}/transition 2>/dev/null || echo 0)" = 1 ]; do
  i=$((i+1))
  if [ $i -gt ${TRANSITION_TIMEOUT_S * 10} ]; then
    want=$(cat ${dir}/enabled)
    for t in /proc/[0-9]*/task/[0-9]*; do
      [ "$(cat $t/patch_state 2>/dev/null)" = "$want" ] || { echo "blocked by: $t $(cat $t/comm)"; cat $t/stack; }
    done
    exit 1
  fi
  sleep 0.1
done
echo "transition done"`;
}

/** Loads module files that are not loaded yet, in this order. */
export function loadModules(files: readonly string[]): string {
  return files.map((file) => `[ -d /sys/module/${sysName(file)} ] || insmod /modules/${file} || exit 1`).join('\n');
}

/** Takes module files off, if they are loaded; exit code `CANNOT` where one stays. */
export function unloadModules(files: readonly string[]): string {
  return files
    .toReversed()
    .map((file) => `[ ! -d /sys/module/${sysName(file)} ] || rmmod ${sysName(file)} || exit ${CANNOT}`)
    .join('\n');
}

function sysName(file: string): string {
  return file.replace(/\.ko$/, '').replaceAll('-', '_');
}

/** The same, said of a livepatch whose references go a moment after its transition. */
export function unload(moduleName: string): string {
  const dir = sysfsOf(moduleName);
  return `i=0; until rmmod ${moduleName} 2>/tmp/.why; do i=$((i+1)); [ $i -gt 50 ] && { cat /tmp/.why; exit 1; }; sleep 0.1; done; [ ! -e ${dir} ]`;
}

export function switchOff(moduleName: string): string {
  return `echo 0 >${sysfsOf(moduleName)}/enabled || exit 1\n${waitFor(moduleName)}`;
}

/** The state that sysfs tells (Documentation/ABI/testing/sysfs-kernel-livepatch), a line for each file there is. */
export function readState(moduleName: string): string {
  const dir = sysfsOf(moduleName);
  return `for f in enabled transition replace stack_order; do [ -e ${dir}/$f ] && echo "$f $(cat ${dir}/$f)"; done; [ -e ${dir}/enabled ]`;
}

/** Lines `vmlinux 1`. */
export function readObjects(moduleName: string): string {
  return `for o in ${sysfsOf(moduleName)}/*/; do echo "$(basename $o) $(cat $o/patched 2>/dev/null || echo unknown)"; done`;
}

/** Paths of the functions, then the lines of the kernel's tracer about functions that something redirects (flag I). */
export function readFunctions(moduleName: string): string {
  return `ls -d ${sysfsOf(moduleName)}/*/*,* || exit 1\necho ---\ngrep ' I' ${TRACING}/enabled_functions 2>/dev/null; true`;
}

/**
 * Counts how often functions run, while `work` does: the tracer's `stacktrace` trigger, which counts down at every hit and
 * needs no profiler (Documentation/trace/ftrace.rst, "Filter commands"; one with a count is taken off by `:0`). One that is
 * left would count another livepatch's function that comes to lie in its place. Names match in the kernel and in the livepatch.
 */
export function countHits(names: readonly string[], work: string): string {
  const filter = `${TRACING}/set_ftrace_filter`;
  // An oops switches tracing off (oops_enter), and then nothing is counted.
  return `[ -w ${filter} ] || { echo 'this kernel has no function tracer'; exit ${CANNOT}; }
! grep -q ':stacktrace:' ${filter} || { echo 'other counters are set'; exit ${CANNOT}; }
echo 1 >${TRACING}/tracing_on
for f in ${names.join(' ')}; do echo "$f:stacktrace:${MAX_HITS}" >>${filter} 2>/dev/null || echo "cannot trace $f"; done
${work}
echo ---
grep ':stacktrace:' ${filter}
for f in ${names.join(' ')}; do echo "!$f:stacktrace:0" >>${filter} 2>/dev/null; done
echo >${TRACING}/trace; true`;
}

export const MOST_HITS = MAX_HITS;
