import type { Command } from 'commander';
import { isCveId, isSignedMitigation, type MitigationAction, mitigatingSysctls } from '#domain';
import { floors, mitigateKernel, recall, withdraw } from '#pipeline';
import type { Context } from '../../context.ts';
import { CliError } from '../../error.ts';
import { inert, wholeNumber } from '../../text.ts';
import { author, futureDay } from '../person.ts';
import { keepPending, type PlaceFlags, type ProposeFlags, placeOf, withKeys, withPropose } from './place.ts';

interface TermFlags extends PlaceFlags, ProposeFlags {
  readonly by?: string;
}

interface RecallFlags extends TermFlags {
  readonly release: number;
  readonly reason: string;
}

interface MitigateFlags extends TermFlags {
  readonly cve: string;
  readonly blockModule?: string;
  readonly sysctl?: string;
  readonly reason?: string;
  readonly until?: Date;
  readonly withdraw?: boolean;
}

interface FloorFlags extends TermFlags {
  readonly leastSoak: number;
  readonly largestShare: number;
}

function term(command: Command): Command {
  return withPropose(
    withKeys(
      command
        .argument('<kernel>', 'name or id; or a whole build-id, then no database is asked')
        .requiredOption('--archive <dir>', 'the archive')
        .option('--by <who>', 'who decides (default: the user of this session)'),
    ),
  );
}

/** What release keys say of a kernel beside its releases. */
export function registerArchiveTerms(archive: Command, context: Context): void {
  term(archive.command('recall').description('have hosts take a release off, for good'))
    .requiredOption('--release <n>', 'number of the release', wholeNumber)
    .requiredOption('--reason <text>', 'why; hosts and people read it')
    .addHelpText(
      'after',
      "\nExample:\n  tuxtape archive recall web --release 7 --reason 'oopses with nf_tables' --archive /srv/archive --keys /srv/keys",
    )
    .action((kernel: string, flags: RecallFlags) => recallOne(context, kernel, flags));
  term(archive.command('mitigate').description('tell hosts what to do about a CVE until its patch lands'))
    .requiredOption('--cve <id>', 'the CVE')
    .option('--block-module <name>', 'do not let this module be loaded')
    .option('--sysctl <name=value>', `a setting: ${Object.keys(mitigatingSysctls).join(', ')}`)
    .option('--reason <text>', 'why; hosts and people read it')
    .option('--until <day>', 'the day it ends at the latest', futureDay)
    .option('--withdraw', 'take back what was said of this CVE')
    .action((kernel: string, flags: MitigateFlags) => mitigateOne(context, kernel, flags));
  term(archive.command('floors').description('how fast a release may spread at most, whatever the online key says'))
    .requiredOption(
      '--least-soak <seconds>',
      'seconds a host watches a load, and between two steps, at least',
      wholeNumber,
    )
    .requiredOption('--largest-share <percent>', 'hosts that one step may add at most', wholeNumber)
    .action(async (kernel: string, flags: FloorFlags) => {
      const said = { leastSoakSeconds: flags.leastSoak, largestSharePercent: flags.largestShare };
      const published = await floors(await options(context, kernel, flags), said);
      const waits = await keepPending(published, flags);
      context.print(published.result, () =>
        [`each step: at most ${flags.largestShare} % more hosts, ${flags.leastSoak} s apart`, waits]
          .filter(Boolean)
          .join('\n'),
      );
    });
}

type Options = Parameters<typeof recall>[0];

async function options(context: Context, kernel: string, flags: TermFlags): Promise<Options> {
  return {
    store: () => context.store(),
    place: await placeOf(flags.archive, flags),
    kernel,
    by: author(flags.by),
    propose: flags.propose !== undefined,
  };
}

async function recallOne(context: Context, kernel: string, flags: RecallFlags): Promise<void> {
  const published = await recall(await options(context, kernel, flags), flags.release, flags.reason);
  const waits = await keepPending(published, flags);
  context.print(published.result, () =>
    waits === null
      ? `release ${flags.release} is recalled: ${inert(flags.reason)}\nhosts take it off at their next poll`
      : waits,
  );
}

async function mitigateOne(context: Context, kernel: string, flags: MitigateFlags): Promise<void> {
  const given = await options(context, kernel, flags);
  if (flags.withdraw === true) {
    const published = await withdraw(given, flags.cve);
    const waits = await keepPending(published, flags);
    context.print(published.result, () => waits ?? `took back ${published.result.length} mitigations of ${flags.cve}`);
    return;
  }
  const { reason = '', until } = flags;
  if (!isCveId(flags.cve)) throw unusable('this is no CVE id');
  const mitigation = {
    cve: flags.cve,
    action: actionOf(flags),
    reason,
    until: until?.toISOString() ?? '',
    by: given.by,
  };
  const checked: unknown = { ...mitigation, at: new Date().toISOString() };
  if (!isSignedMitigation(checked)) throw unusable('a reason and a day to come (--reason, --until) are wanted');
  const published = await mitigateKernel(given, checked);
  const waits = await keepPending(published, flags);
  context.print(
    published.result,
    () => waits ?? `hosts are told until ${checked.until.slice(0, 10)}, or the patch of ${flags.cve}`,
  );
}

/** Errors: decision-invalid. */
function actionOf({ blockModule, sysctl }: MitigateFlags): MitigationAction {
  if (blockModule !== undefined && sysctl === undefined) return { kind: 'modprobe-blocklist', module: blockModule };
  const [name = '', value = ''] = sysctl?.split('=') ?? [];
  if (sysctl !== undefined && blockModule === undefined && mitigatingSysctls[name]?.includes(value) === true)
    return { kind: 'sysctl', name, value };
  throw unusable('one of --block-module and --sysctl is wanted, and a setting that closes something');
}

function unusable(what: string): CliError {
  return new CliError('decision-invalid', 'input', { what, remedy: 'docs/reference/archive.md lists what hosts know' });
}
