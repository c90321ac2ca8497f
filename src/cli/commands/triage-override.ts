import { type Command, Option } from 'commander';
import { type Justification, justifications, type VerdictStatus, verdictStatuses } from '#domain';
import { systemClock } from '#host';
import { triageKernel } from '#pipeline';
import { addOverride, needKernel, overridesOf, revokeOverride } from '#store';
import type { Context } from '../context.ts';
import { inert, table } from '../text.ts';
import { needCve, needCveId } from './cve-args.ts';
import { author, futureDay } from './person.ts';

interface OverrideFlags {
  readonly as: VerdictStatus;
  readonly justification?: Justification;
  readonly until: Date;
  readonly reason: string;
  readonly by?: string;
}

/** `triage override`, `overrides` and `revoke`: a person's word over the ladder's. */
export function registerOverride(triage: Command, context: Context): void {
  const kernelOf = (): string => {
    const { kernel } = triage.opts<{ kernel?: string }>();
    return kernel ?? triage.error("error: required option '--kernel <name>' not specified");
  };
  triage
    .command('override')
    .description('set a verdict by hand until a day; the ladder goes on and counts again afterwards')
    .argument('<cve>', 'CVE id')
    .addOption(new Option('--as <status>', 'what it is').choices(verdictStatuses).makeOptionMandatory())
    .addOption(new Option('--justification <why>', 'for not_affected: as OpenVEX names it').choices(justifications))
    .requiredOption('--until <day>', 'as 2027-01-31', futureDay)
    .requiredOption('--reason <text>', 'why; kept with the verdict and shown with it')
    .option('--by <name>', 'who; default: the user of this session')
    .addHelpText(
      'after',
      '\nExample:\n  tuxtape triage --kernel web override CVE-2026-53352 --as not_affected --justification vulnerable_code_not_in_execute_path --until 2027-01-31 --reason "no user namespaces here"',
    )
    .action((cve: string, flags: OverrideFlags, command: Command) => {
      if ((flags.as === 'not_affected') !== (flags.justification !== undefined))
        command.error('error: --justification goes with --as not_affected, and only with it');
      return override(context, kernelOf(), cve, flags);
    });
  triage
    .command('overrides')
    .description('the verdicts of a kernel that people have set')
    .action(() => list(context, kernelOf()));
  triage
    .command('revoke')
    .description('take the word of a person back; the ladder decides again')
    .argument('<cve>', 'CVE id')
    .option('--by <name>', 'who; default: the user of this session')
    .action((cve: string, { by }: { by?: string }) => revoke(context, kernelOf(), cve, by));
}

async function override(context: Context, name: string, text: string, flags: OverrideFlags): Promise<void> {
  const store = await context.store();
  const kernel = await needKernel(store.db, name);
  const cve = (await needCve(store, needCveId(text))).record.id;
  const { as: status, justification = null, until, reason, by } = flags;
  const word = { cve, status, justification, until, reason, author: author(by) };
  const made = await addOverride(store.db, kernel.id, word, systemClock.now());
  await triageKernel({ store, kernel, clock: systemClock, hostListSeconds: await listAge(context) });
  context.print(made, () => `${cve} is ${status} for kernel ${kernel.name} until ${until.toISOString().slice(0, 10)}`);
}

async function list(context: Context, name: string): Promise<void> {
  const { db } = await context.store();
  const kernel = await needKernel(db, name);
  const all = [...(await overridesOf(db, kernel.id, systemClock.now())).values()];
  context.print(all, () =>
    all.length === 0
      ? 'Nobody has overridden a verdict of this kernel.'
      : table(
          ['CVE', 'VERDICT', 'UNTIL', 'BY', 'REASON'],
          all.map((one) => [
            one.cve,
            one.status,
            one.until.toISOString().slice(0, 10),
            inert(one.author),
            inert(one.reason),
          ]),
        ),
  );
}

async function revoke(context: Context, name: string, text: string, by: string | undefined): Promise<void> {
  const store = await context.store();
  const kernel = await needKernel(store.db, name);
  const cve = needCveId(text);
  await revokeOverride(store.db, kernel.id, cve, author(by), systemClock.now());
  await triageKernel({ store, kernel, clock: systemClock, hostListSeconds: await listAge(context) });
  context.print({ cve }, () => `the ladder decides ${cve} again`);
}

async function listAge(context: Context): Promise<number> {
  return (await context.config()).number('fleet.list-age');
}
