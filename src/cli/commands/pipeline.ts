import type { Command } from 'commander';
import { systemClock } from '#host';
import { type AutopilotOptions, type KernelPlan, readPipeline, runPipeline } from '#pipeline';
import { needKernel } from '#store';
import type { Context } from '../context.ts';
import { inert, table } from '../text.ts';

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
