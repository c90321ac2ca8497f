import {
  CANNOT,
  countHits,
  isPlain,
  readFunctions,
  readState,
  switchOff,
  sysfsOf,
  unload,
  unloadModules,
  waitFor,
} from './commands.ts';
import type { PlanSubject, Step } from './plan.ts';
import { PATCHED, REDIRECTED } from './redirection.ts';
import { fixed, REPRODUCER_S, reproduced } from './reproducer-steps.ts';
import { late, needed, seen, targetsComeBack } from './target-steps.ts';

const WORK = 'sh /workload.sh';

/** Each function that is counted is written to the tracer by itself; what is behind these is not measured. */
const MOST_COUNTED = 64;
const SECOND_CPU = '/sys/devices/system/cpu/cpu1/online';
/** The name of a step. */
const NEXT = 'the next version replaces it';

/**
 * The proof of one livepatch as data (Documentation/livepatch/livepatch.rst, ABI/testing/sysfs-kernel-livepatch): on, seen,
 * exercised, off, on again, replaced and back, off; the machine works while functions are switched.
 */
export function makePlan(subject: PlanSubject): Step[] {
  const { moduleName: name } = subject;
  return [
    ...reproduced(subject),
    ...needed(subject),
    { name: 'the workload begins', command: `${WORK} start`, judge: { by: 'exit' }, quiet: true },
    { name: 'the livepatch loads', command: `insmod ${subject.path}`, judge: { by: 'exit' }, onFailure: 'stop' },
    ...transition(name),
    { name: 'the workload runs during the transition', command: `${WORK} stop`, judge: { by: 'workload' } },
    { name: 'it is enabled', command: readState(name), judge: { by: 'state' } },
    ...late(subject),
    seen(subject, PATCHED),
    {
      name: REDIRECTED,
      command: readFunctions(name),
      judge: { by: 'functions', functions: subject.functions },
    },
    exercised(subject),
    ...fixed(subject),
    { name: 'the workload begins', command: `${WORK} start`, judge: { by: 'exit' }, quiet: true },
    { name: 'it comes off', command: switchOff(name), judge: { by: 'exit' }, onFailure: 'stop' },
    { name: 'the workload runs while it comes off', command: `${WORK} stop`, judge: { by: 'workload' } },
    { name: 'it unloads', command: unload(name), judge: { by: 'exit' }, onFailure: 'stop' },
    // What comes now is about order, not about processors; with one, each transition ends at the kernel's first try, not a second later.
    {
      name: 'one processor rests',
      command: `echo 0 >${SECOND_CPU} 2>/dev/null; true`,
      judge: { by: 'exit' },
      quiet: true,
    },
    {
      name: 'it loads again',
      command: `insmod ${subject.path} || exit 1\n${waitFor(name)}`,
      judge: { by: 'exit' },
      onFailure: 'stop',
    },
    seen(subject, 'every object is patched again'),
    ...replaced(subject),
    ...targetsComeBack(subject),
    { name: 'it comes off again', command: switchOff(name), judge: { by: 'exit' }, onFailure: 'stop' },
    { name: 'it unloads again', command: unload(name), judge: { by: 'exit' } },
    cleanUp(subject),
  ];
}

function transition(name: string): Step[] {
  return [{ name: 'the transition completes', command: waitFor(name), judge: { by: 'exit' }, onFailure: 'stop' }];
}

function exercised({ moduleName, functions, reproducer }: PlanSubject): Step {
  const names = [...new Set(functions.map((one) => one.name).filter(isPlain))].slice(0, MOST_COUNTED);
  const work = [
    `${WORK} once`,
    ...(reproducer === null ? [] : [`timeout ${REPRODUCER_S} ${reproducer} </dev/null >/dev/null 2>&1`]),
  ];
  return {
    name: 'its functions are exercised',
    command: countHits(names, work.join('\n')),
    judge: { by: 'hits', moduleName, functions },
    timeoutMs: 180_000,
  };
}

function replaced(subject: PlanSubject): Step[] {
  const { moduleName: name, next } = subject;
  if ('why' in next) return [{ name: NEXT, command: `echo '${next.why}'; exit ${CANNOT}`, judge: { by: 'exit' } }];
  const off = (one: string): string => `[ "$(cat ${sysfsOf(one)}/enabled 2>/dev/null || echo 0)" = 0 ]`;
  const change = (to: { path: string; moduleName: string }, from: string): string =>
    `insmod ${to.path} || exit 1\n${waitFor(to.moduleName)}\n${off(from)} || { echo '${from} is still enabled'; exit 1; }\n${unload(from)}`;
  return [
    { name: NEXT, command: `echo '${next.what}'\n${change(next, name)}`, judge: { by: 'exit' }, onFailure: 'stop' },
    {
      name: 'and it replaces the next version',
      command: change(subject, next.moduleName),
      judge: { by: 'exit' },
      onFailure: 'stop',
    },
    seen(subject, 'every object is patched by it then'),
  ];
}

/** Whatever happened: nothing of this livepatch is left for the one that is proved next. Never forced. */
function cleanUp({ moduleName, next, targetFiles, neededFiles }: PlanSubject): Step {
  const names = [moduleName, ...('why' in next ? [] : [next.moduleName])];
  const files = [...new Set([...neededFiles, ...targetFiles])];
  const lines = names.map(
    (one) =>
      `if [ -e ${sysfsOf(one)}/enabled ]; then ${switchOff(one)}; fi; [ ! -e /sys/module/${one} ] || rmmod ${one}`,
  );
  return {
    name: 'it leaves nothing behind',
    command: `echo 1 2>/dev/null >${SECOND_CPU}\n${WORK} stop >/dev/null\n${lines.join('\n')}\n(:\n${unloadModules(files)}) >/dev/null 2>&1\n[ -z "$(ls /sys/kernel/livepatch 2>/dev/null)" ]`,
    judge: { by: 'exit' },
    always: true,
  };
}
