import { loadModules } from './commands.ts';
import type { PlanSubject, Step } from './plan.ts';

export const REPRODUCER_S = 60;
const REPRODUCER_MS = (REPRODUCER_S + 30) * 1000;
/** Names of the steps that tell of it. */
export const REPRODUCED = 'the reproducer shows the bug without the livepatch';
export const FIXED = 'the reproducer passes with the livepatch';

export function reproduced({ reproducer, targetFiles }: PlanSubject): Step[] {
  if (reproducer === null) return [];
  return [
    {
      name: 'its target modules are there for the reproducer',
      command: loadModules(targetFiles),
      judge: { by: 'exit' },
      quiet: true,
    },
    {
      name: REPRODUCED,
      command: `timeout ${REPRODUCER_S} ${reproducer} </dev/null`,
      judge: { by: 'reproduced' },
      mayBreak: true,
      timeoutMs: REPRODUCER_MS,
    },
  ];
}

export function fixed({ reproducer }: PlanSubject): Step[] {
  if (reproducer === null) return [];
  return [
    {
      name: FIXED,
      command: `timeout ${REPRODUCER_S} ${reproducer} </dev/null`,
      judge: { by: 'exit' },
      timeoutMs: REPRODUCER_MS,
    },
  ];
}
