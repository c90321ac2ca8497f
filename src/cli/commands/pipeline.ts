import { type Command, InvalidArgumentError } from 'commander';
import { systemClock } from '#host';
import { type AutopilotOptions, type KernelPlan, readPipeline, runPipeline } from '#pipeline';
import { addHold, needKernel, removeHold } from '#store';
import type { Context } from '../context.ts';
import { inert, table } from '../text.ts';
import { needCveId } from './cve-args.ts';
import { author } from './person.ts';

interface Flags {
  readonly kernel?: string;
  readonly all?: boolean;
}

/** `tuxtape pipeline`: where each CVE stands for each kernel with a policy; `run` does what comes next. */
export function registerPipeline(program: Command, context: Context): void {
  const pipeline = program
    .command('pipeline')
    .description('where each CVE of the kernels with a policy stands, on its way to a proved livepatch')
    .option('--kernel <name>', 'only this one: name, id or build-id')
    .option('--all', 'with the CVEs that the policy leaves waiting')
    .action(async (flags: Flags) => print(context, await readPipeline(await optionsOf(context, flags)), flags));
  registerHolds(pipeline, context);
  pipeline
    .command('run')
    .description('try, build and prove until nothing is left to do but what people decide')
    .addHelpText('after', '\nExample:\n  tuxtape pipeline --kernel web run')
    .action(async () => {
      const flags = pipeline.opts<Flags>();
      const plans = await context.progress('working', async (step) =>
        runPipeline({
          ...(await optionsOf(context, flags)),
          onStep: (kernel, what) => step(0, null, `${inert(kernel)}: ${inert(what)}`),
        }),
      );
      print(context, plans, flags);
    });
}

interface HoldFlags {
  readonly reason?: string;
  readonly by?: string;
}

function registerHolds(pipeline: Command, context: Context): void {
  const change = async (id: string, by: string | undefined, reason: string | null): Promise<void> => {
    const { kernel: key } = pipeline.opts<Flags>();
    if (key === undefined) throw new InvalidArgumentError('say for which kernel: tuxtape pipeline --kernel NAME');
    const { db } = await context.store();
    const kernel = await needKernel(db, key);
    const [cve, who, at] = [needCveId(id), author(by), systemClock.now()];
    if (reason === null) await removeHold(db, kernel.id, cve, who, at);
    else await addHold(db, kernel.id, { cve, reason, author: who, heldAt: at });
    const words = reason === null ? 'may go into livepatches again' : 'is taken back; what has it cannot be published';
    context.print(
      { kernel: kernel.name, cve, held: reason },
      () => `the fix of ${cve} ${words} (${inert(kernel.name)})`,
    );
  };
  pipeline
    .command('hold')
    .description('take the fix of a CVE back: the next livepatch is built without it')
    .argument('<cve>')
    .requiredOption('--reason <text>', 'what is wrong with it')
    .option('--by <name>', 'who; default: the user of this session')
    .action((cve: string, { reason, by }: HoldFlags) => change(cve, by, reason ?? ''));
  pipeline
    .command('release')
    .description('let the fix of a CVE that was held in again')
    .argument('<cve>')
    .option('--by <name>', 'who; default: the user of this session')
    .action((cve: string, { by }: HoldFlags) => change(cve, by, null));
}

async function optionsOf(context: Context, { kernel: key }: Flags): Promise<AutopilotOptions> {
  const config = await context.config();
  const store = await context.store();
  const kernel = key === undefined ? undefined : (await needKernel(store.db, key)).name;
  return {
    store,
    dataDirectory: config.need('data'),
    fixes: config.text('livepatch.fixes'),
    jobs: config.number('kernel.jobs'),
    clock: systemClock,
    signal: context.signal,
    kernel,
    onStep: () => {},
  };
}

function print(context: Context, plans: readonly KernelPlan[], { all }: Flags): void {
  const report = plans.map(({ kernel, plan }) => ({ kernel: kernel.name, next: plan.step, items: plan.items }));
  context.print(report, () => {
    if (plans.length === 0) return 'no kernel has a policy; "tuxtape policy set" gives it one';
    return plans.map((plan) => kernelText(plan, all === true)).join('\n\n');
  });
}

function kernelText({ kernel, plan }: KernelPlan, all: boolean): string {
  const shown = plan.items.filter(({ stage }) => all || stage !== 'waiting');
  const hidden = plan.items.length - shown.length;
  const rows = shown.map(({ cve, stage, why, code, remedy, livepatch, approval }) => [
    cve,
    code === null ? (approval?.state ?? stage) : `${stage}: ${code}`,
    [inert(why), remedy === null ? '' : `do: ${inert(remedy)}`].filter((text) => text !== '').join('; '),
    livepatch ?? '',
  ]);
  return [
    `${inert(kernel.name)} (${kernel.version})`,
    ...(rows.length === 0 ? [] : [table(['CVE', 'STAGE', 'WHY', 'LIVEPATCH'], rows)]),
    ...(hidden > 0 ? [`${hidden} more wait; --all shows them`] : []),
  ].join('\n');
}
