import { type Command, InvalidArgumentError } from 'commander';
import { defaultPolicy, type Policy, parseQuietHours } from '#domain';
import { systemClock } from '#host';
import { listKernels, needKernel, policies, removePolicy, setPolicy } from '#store';
import type { Context } from '../context.ts';
import { inert, table, wholeNumber } from '../text.ts';
import { FIXES_HELP } from './fixes-args.ts';
import { author } from './person.ts';

interface Flags {
  readonly least?: number;
  readonly exploited: boolean;
  readonly quiet?: string;
  readonly zone: string;
  readonly gather?: number;
  readonly answers: boolean;
  readonly fixes?: string;
  readonly by?: string;
}

/** `tuxtape policy`: how far the machine may go by itself for a kernel. */
export function registerPolicy(program: Command, context: Context): void {
  const policy = program.command('policy').description('how far the machine may go by itself, for each kernel');
  policy
    .command('set')
    .description("let the machine try, build and prove fixes for a kernel; approval and release stay a person's")
    .argument('<kernel>', 'name, id or build-id')
    .option('--least <weight>', 'smallest weight of a CVE that is taken (severity x reach x exposure)', weight)
    .option('--no-exploited', 'CVEs that are exploited wait like others')
    .option('--quiet <hours>', 'hours in which nothing is built, as 22:00-06:00')
    .option('--zone <name>', 'time zone of these hours', 'UTC')
    .option('--gather <n>', 'build once so many CVEs are new', wholeNumber)
    .option('--no-answers', 'a fix of which a hunk has to be left out waits for a person')
    .option('--fixes <source>', FIXES_HELP)
    .option('--by <name>', 'who; default: the user of this session')
    .addHelpText(
      'after',
      '\nExample:\n  tuxtape policy set web --least 5 --quiet 22:00-06:00 --zone Europe/Berlin --gather 3',
    )
    .action((kernel: string, flags: Flags) => set(context, kernel, flags));
  policy
    .command('show')
    .description('the policies there are')
    .action(() => show(context));
  policy
    .command('remove')
    .description('the machine does nothing by itself for this kernel any more')
    .argument('<kernel>', 'name, id or build-id')
    .option('--by <name>', 'who; default: the user of this session')
    .action(async (name: string, { by }: { by?: string }) => {
      const { db } = await context.store();
      const kernel = await needKernel(db, name);
      await removePolicy(db, kernel.id, author(by), systemClock.now());
      context.print({ kernel: kernel.name, policy: null }, () => `${kernel.name} has no policy any more`);
    });
}

function weight(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 15) return value;
  throw new InvalidArgumentError('give a number from 0 to 15');
}

async function set(context: Context, name: string, flags: Flags): Promise<void> {
  const quiet = flags.quiet === undefined ? null : parseQuietHours(flags.quiet, flags.zone);
  if (quiet === undefined) throw new InvalidArgumentError(`no hours of a day in a zone: ${flags.quiet} ${flags.zone}`);
  const { db } = await context.store();
  const kernel = await needKernel(db, name);
  const policy: Policy = {
    leastWeight: flags.least ?? defaultPolicy.leastWeight,
    exploitedAlways: flags.exploited,
    quiet,
    gather: Math.max(1, flags.gather ?? defaultPolicy.gather),
    answers: flags.answers,
    fixes: flags.fixes ?? null,
  };
  await setPolicy(db, kernel.id, { policy, author: author(flags.by), setAt: systemClock.now() });
  context.print(
    { kernel: kernel.name, policy },
    () => `${kernel.name}: ${policyText(policy)}\nnext: tuxtape pipeline run`,
  );
}

function policyText({ leastWeight, exploitedAlways, quiet, gather, answers, fixes }: Policy): string {
  return [
    `weight ${leastWeight} and more${exploitedAlways ? ', exploited always' : ''}`,
    gather === 1 ? 'each CVE at once' : `${gather} CVEs at a time`,
    quiet === null ? 'at any hour' : `not ${quiet.from}-${quiet.until} ${quiet.zone}`,
    ...(answers ? [] : ['fixes only whole']),
    fixes === null ? 'fixes as configured' : `fixes from ${inert(fixes)}`,
  ].join('; ');
}

async function show(context: Context): Promise<void> {
  const { db } = await context.store();
  const all = await policies(db);
  const rows = (await listKernels(db)).flatMap((kernel) => {
    const row = all.get(kernel.id);
    return row === undefined ? [] : [{ kernel: kernel.name, ...row }];
  });
  context.print(rows, () =>
    rows.length === 0
      ? 'no kernel has a policy; the machine does nothing by itself'
      : table(
          ['KERNEL', 'POLICY', 'BY'],
          rows.map(({ kernel, policy, author: who }) => [inert(kernel), policyText(policy), inert(who)]),
        ),
  );
}
