import { runStep, type StepResult } from '#host';
import { demandHookOwned, type Hook } from './hooks.ts';
import { argumentsOf, type HookValues } from './words.ts';

const MAX_OUTPUT_BYTES = 64 << 10;

/** All that a hook finds around it: nothing of who started the runner. */
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LANG: 'C.UTF-8',
  LC_ALL: 'C.UTF-8',
} as const;

/**
 * Runs a hook: its program, by its path, with its own arguments; no shell. Who could change it is asked again just before. Errors: hooks-unsafe.
 */
export async function runHook(hook: Hook, values: HookValues | null, owners: readonly number[]): Promise<StepResult> {
  await demandHookOwned(hook, owners);
  const words = values === null ? hook.arguments : argumentsOf(hook.arguments, values);
  return runStep(hook.program, words, {
    timeoutMs: hook.timeoutSeconds * 1000,
    maxOutput: MAX_OUTPUT_BYTES,
    env: ENVIRONMENT,
  });
}
