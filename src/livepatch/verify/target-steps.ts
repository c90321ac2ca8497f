import { CANNOT, loadModules, readObjects, unloadModules } from './commands.ts';
import type { PlanSubject, Step } from './plan.ts';

/** A step that others need. */
const AWAY = 'its target modules are not loaded yet';

/** Its own dependencies come before it, its target modules after it where they can be away: late loading is the harder case. */
export function needed({ targetFiles, neededFiles }: PlanSubject): Step[] {
  const steps: Step[] = [];
  const late = targetFiles.filter((file) => !neededFiles.includes(file));
  if (targetFiles.length > 0)
    steps.push({
      name: AWAY,
      command: late.length > 0 ? unloadModules(late) : `echo 'it depends on them'; exit ${CANNOT}`,
      judge: { by: 'exit' },
      quiet: true,
    });
  if (neededFiles.length > 0)
    steps.push({
      name: 'the modules it needs load',
      command: loadModules(neededFiles),
      judge: { by: 'exit' },
      onFailure: 'stop',
    });
  return steps;
}

export function late({ targetFiles }: PlanSubject): Step[] {
  if (targetFiles.length === 0) return [];
  return [
    {
      name: 'its target modules load after it',
      command: loadModules(targetFiles),
      judge: { by: 'exit' },
      needs: AWAY,
      onFailure: 'stop',
    },
    {
      name: 'its target modules load',
      command: loadModules(targetFiles),
      judge: { by: 'exit' },
      quiet: true,
      onFailure: 'stop',
    },
  ];
}

export function seen({ moduleName, functions }: PlanSubject, name: string): Step {
  const objects = [...new Set(functions.map(({ object }) => object))];
  return { name, command: readObjects(moduleName), judge: { by: 'objects', objects } };
}

/** The livepatch must let go of a target module that leaves, and take hold of it when it returns: last, for not every kernel can. */
export function targetsComeBack(subject: PlanSubject): Step[] {
  const { targetFiles, neededFiles } = subject;
  const files = targetFiles.filter((file) => !neededFiles.includes(file));
  if (files.length === 0) return [];
  const name = 'its target modules leave and come back';
  return [
    { name, command: `${unloadModules(files)}\n${loadModules(files)}`, judge: { by: 'return' } },
    { ...seen(subject, 'every object is patched when they are back'), needs: name },
  ];
}
