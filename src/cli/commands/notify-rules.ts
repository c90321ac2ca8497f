import { type Command, InvalidArgumentError, Option } from 'commander';
import { isNoticeKind, type LeastSeverity, leastSeverities, type NoticeRule, noticeKinds } from '#domain';
import { systemClock } from '#host';
import { addRule, listRules, needKernel, removeRule } from '#store';
import type { Context } from '../context.ts';
import { collect, table, wholeNumber } from '../text.ts';
import { author } from './person.ts';

interface Flags {
  readonly kind: readonly string[];
  readonly state: readonly string[];
  readonly least: LeastSeverity;
  readonly kernel?: string;
  readonly digest: number;
  readonly by?: string;
}

const BY = 'who; default: the user of this session';
const LONGEST_DIGEST_MINUTES = 10_080;

/** `tuxtape notify rule`: what goes to which channel. */
export function registerRules(notify: Command, context: Context): void {
  const rule = notify.command('rule').description('what goes to which channel');
  rule
    .command('add')
    .description('send what is of these kinds, states, kernel and severity to a channel')
    .argument('<channel>', 'its name')
    .option('--kind <kind>', `${noticeKinds.filter((kind) => kind !== 'test').join(', ')}; again for more`, kinds, [])
    .option('--state <state>', 'affected, fixed, waits-for-approval, cloned, silent, …; again for more', collect, [])
    .addOption(new Option('--least <severity>', 'nothing below this').choices(leastSeverities).default('none'))
    .option('--kernel <name>', 'only what touches this kernel')
    .option('--digest <minutes>', 'gather for so long and send one message; 0: at once', minutes, 0)
    .option('--by <name>', BY)
    .addHelpText(
      'after',
      '\nExamples:\n  tuxtape notify rule add team --kind verdict --state affected --least high\n  tuxtape notify rule add team --kind livepatch --kind task --digest 60',
    )
    .action((channel: string, flags: Flags) => add(context, channel, flags));
  rule
    .command('list')
    .description('the rules there are')
    .action(async () => list(context, await listRules((await context.store()).db)));
  rule
    .command('remove')
    .description('take a rule away; what it gathered is still sent')
    .argument('<id>', 'as "notify rule list" lists it')
    .option('--by <name>', BY)
    .action(async (id: string, { by }: { by?: string }) => {
      const { db } = await context.store();
      await removeRule(db, id, author(by), systemClock.now());
      list(context, await listRules(db));
    });
}

function kinds(text: string, before: readonly string[]): string[] {
  if (isNoticeKind(text) && text !== 'test') return [...before, text];
  throw new InvalidArgumentError(`one of ${noticeKinds.join(', ')} is wanted`);
}

function minutes(text: string): number {
  const number = wholeNumber(text);
  if (number <= LONGEST_DIGEST_MINUTES) return number;
  throw new InvalidArgumentError(`at most ${LONGEST_DIGEST_MINUTES} minutes (a week)`);
}

async function add(context: Context, channel: string, flags: Flags): Promise<void> {
  const { db } = await context.store();
  const kernelId = flags.kernel === undefined ? null : (await needKernel(db, flags.kernel)).id;
  const wanted = { kinds: flags.kind, states: flags.state, least: flags.least, digestMinutes: flags.digest };
  const id = await addRule(db, { channel, ...wanted, kernelId }, author(flags.by), systemClock.now());
  const made = (await listRules(db)).find((rule) => rule.id === id);
  context.print(made, () => `rule ${id} sends to ${channel} from now on; what was before is not told`);
}

function list(context: Context, rules: readonly NoticeRule[]): void {
  context.print(rules, () =>
    rules.length === 0
      ? 'There is no rule yet: "tuxtape notify rule add" makes one.'
      : table(
          ['ID', 'CHANNEL', 'KINDS', 'STATES', 'LEAST', 'KERNEL', 'DIGEST'],
          rules.map((row) => [
            ...[row.id, row.channel, row.kinds.join(' ') || 'all', row.states.join(' ') || 'all', row.least],
            ...[row.kernel ?? 'all', row.digestMinutes === 0 ? 'at once' : `${row.digestMinutes} min`],
          ]),
        ),
  );
}
