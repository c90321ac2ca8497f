import type { Run } from '../context.ts';
import { AgentError, remedies } from '../error.ts';
import type { Plan } from '../plan/steps.ts';
import { contact } from './contact.ts';
import { load } from './load.ts';
import { fetchModule, precheckModule, verifyModule } from './prepare.ts';
import { soak } from './soak.ts';
import { awaitOff, clean, reverse, unpatch } from './take-off.ts';
import { watch } from './watch.ts';

type Steps = Exclude<Plan, { step: 'rest' }>;
type Executors = {
  readonly [Step in Steps['step']]: (run: Run, plan: Extract<Steps, { step: Step }>) => Promise<void>;
};

/** One executor for each step that a plan can name. */
const table: Executors = {
  note: async (run, { journal, why, code }) => {
    await run.record(journal);
    if (code !== undefined) run.complain(new AgentError(code, 'patch', { what: why, remedy: remedies[code] }));
  },
  contact: (run) => contact(run),
  fetch: (run, plan) => fetchModule(run, plan),
  verify: (run, { release }) => verifyModule(run, release),
  precheck: (run, { release }) => precheckModule(run, release),
  load: (run, { release }) => load(run, release),
  watch: (run, { release }) => watch(run, release),
  soak: (run, { release }) => soak(run, release),
  reverse: (run, bad) => reverse(run, bad),
  unpatch: (run, bad) => unpatch(run, bad),
  'await-off': (run, { name }) => awaitOff(run, name),
  clean: (run, { name }) => clean(run, name),
};

export async function execute(run: Run, plan: Steps): Promise<void> {
  const executor = table[plan.step] as (run: Run, plan: Steps) => Promise<void>;
  await executor(run, plan);
}
