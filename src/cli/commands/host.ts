import { type Command, InvalidArgumentError } from 'commander';
import { isGroupName, silentAfterMs } from '#domain';
import { systemClock } from '#host';
import { makeEnrolment } from '#pipeline';
import {
  clearFlags,
  countHosts,
  decommissionHost,
  type EnrolmentRow,
  fleetReports,
  type HostRow,
  hostEvents,
  hostsByKernel,
  listEnrolments,
  listHosts,
  needHost,
  revokeEnrolment,
} from '#store';
import type { Context } from '../context.ts';
import { duration } from '../quantities.ts';
import { ago, inert, shorten, table, wholeNumber } from '../text.ts';
import { author } from './person.ts';

const LISTED = 200;
const EVENTS = 20;
const TITLE_WIDTH = 80;
const BY = 'who says so (default: the user of this session)';

interface ListFlags {
  readonly group?: string;
  readonly ring?: string;
  readonly state?: string;
  readonly kernel?: string;
  readonly flag?: string;
  readonly search?: string;
  readonly label?: [string, string];
  readonly silent?: boolean;
  readonly all?: boolean;
  readonly limit: number;
}

/** `tuxtape host`: the machines of the fleet. */
export function registerHost(program: Command, context: Context): void {
  const host = program.command('host').description('the machines of the fleet: enrol, list, look at, take away');
  registerTokens(host, context);
  host
    .command('list')
    .description('the hosts, by name')
    .option('--group <name>', 'only those of this group')
    .option('--ring <name>', 'only those of this ring')
    .option('--state <state>', 'only those in this state')
    .option('--kernel <build-id>', 'only those that run this build')
    .option('--flag <flag>', 'only those marked cloned, lying, flooding or clock')
    .option('--label <name=value>', 'only those with this label', labelOf)
    .option('--search <text>', 'only those whose name begins so')
    .option('--silent', 'only those that were not heard of for three check-ins')
    .option('--all', 'those that were taken away, too')
    .option('--limit <n>', 'so many at most', wholeNumber, LISTED)
    .action((flags: ListFlags) => list(context, flags));
  host
    .command('show')
    .description('one host: what it says, what its kernel reported, what happened')
    .argument('<host>', 'id or name')
    .action((key: string) => show(context, key));
  host
    .command('summary')
    .description('how many there are, by group and by kernel, and of how many nothing is known')
    .action(() => summary(context));
  host
    .command('decommission')
    .description("end a host's key; what it said is kept")
    .argument('<host>', 'id or name')
    .option('--by <who>', BY)
    .action(async (key: string, { by }: { by?: string }) => {
      const { db } = await context.store();
      const gone = await decommissionHost(db, key, author(by), systemClock.now());
      context.print(gone, () => `host ${gone.name} (${gone.id}) is taken away`);
    });
  host
    .command('clear')
    .description('take the marks off a host that was looked at')
    .argument('<host>', 'id or name')
    .option('--by <who>', BY)
    .action(async (key: string, { by }: { by?: string }) => {
      const { db } = await context.store();
      const row = await clearFlags(db, key, author(by), systemClock.now());
      context.print(row, () => `host ${row.name} has no mark`);
    });
}

function registerTokens(host: Command, context: Context): void {
  host
    .command('token')
    .description('make a token by which machines become hosts of a group; it is printed once')
    .requiredOption('--group <name>', 'group of the hosts', groupOf)
    .option('--uses <n>', 'so many machines', wholeNumber, 1)
    .option('--for <time>', 'so long', duration, duration('1h'))
    .option('--by <who>', BY)
    .addHelpText('after', '\nExample:\n  tuxtape host token --group web --uses 40 --for 2h')
    .action((flags: { group: string; uses: number; for: number; by?: string }) => token(context, flags));
  host
    .command('tokens')
    .description('the tokens that were made')
    .action(async () => tokens(context, await listEnrolments((await context.store()).db)));
  host
    .command('revoke-token')
    .description('let no machine become a host by a token any more')
    .argument('<id>', 'as "host tokens" lists it')
    .option('--by <who>', BY)
    .action(async (id: string, { by }: { by?: string }) => {
      const { db } = await context.store();
      await revokeEnrolment(db, id, author(by), systemClock.now());
      tokens(context, await listEnrolments(db));
    });
}

function groupOf(text: string): string {
  if (isGroupName(text)) return text;
  throw new InvalidArgumentError('lower-case letters, digits, ".", "_" and "-" are wanted');
}

function labelOf(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('name=value is wanted');
  return [text.slice(0, at), text.slice(at + 1)];
}

async function token(
  context: Context,
  flags: { group: string; uses: number; for: number; by?: string },
): Promise<void> {
  const doors = { store: await context.store(), clock: systemClock };
  const asked = { group: flags.group, uses: flags.uses, seconds: flags.for, by: author(flags.by) };
  const made = await makeEnrolment(doors, asked);
  context.print(made, () =>
    [
      `token    ${made.token}`,
      `id       ${made.enrolment.id}`,
      `for      ${flags.uses} hosts of group ${flags.group}, until ${made.enrolment.expiresAt.toISOString()}`,
      'it is shown this once',
    ].join('\n'),
  );
}

function tokens(context: Context, rows: readonly EnrolmentRow[]): void {
  const now = Date.now();
  context.print(rows, () =>
    rows.length === 0
      ? 'No token was made yet: "tuxtape host token --group NAME" makes one.'
      : table(
          ['ID', 'GROUP', 'USES LEFT', 'STATE', 'MADE', 'BY'],
          rows.map((row) => [
            ...[row.id, row.group, row.usesLeft, tokenState(row, now), ago(row.madeAt, now), inert(row.madeBy)],
          ]),
        ),
  );
}

function tokenState({ revokedAt, expiresAt, usesLeft }: EnrolmentRow, now: number): string {
  if (revokedAt !== null) return 'revoked';
  if (expiresAt.getTime() <= now) return 'over';
  return usesLeft === 0 ? 'used up' : `until ${expiresAt.toISOString()}`;
}

async function silentSince(context: Context): Promise<Date> {
  const config = await context.config();
  return new Date(Date.now() - silentAfterMs(config.number('gate.interval')));
}

async function list(context: Context, flags: ListFlags): Promise<void> {
  const { db } = await context.store();
  const { kernel: buildId, silent, ...rest } = flags;
  const since = await silentSince(context);
  const rows = await listHosts(db, { ...rest, buildId, silentSince: silent === true ? since : undefined });
  const now = Date.now();
  context.print(rows, () =>
    rows.length === 0
      ? 'There is no such host.'
      : table(
          ['HOST', 'GROUP', 'RING', 'KERNEL', 'STATE', 'RELEASE', 'HEARD OF', 'MARKS'],
          rows.map((row) => [
            ...[inert(row.name), row.group, row.ring ?? '', inert(row.release ?? 'unknown'), row.state],
            ...[row.stateRelease ?? '', heardOf(row, since, now), row.flags.join(' ')],
          ]),
        ),
  );
}

function heardOf({ seenAt, decommissionedAt }: HostRow, since: Date, now: number): string {
  if (decommissionedAt !== null) return 'taken away';
  if (seenAt === null) return 'never';
  return `${ago(seenAt, now)}${seenAt < since ? ' (silent)' : ''}`;
}

async function show(context: Context, key: string): Promise<void> {
  const { db } = await context.store();
  const row = await needHost(db, key);
  const [events, reports] = [await hostEvents(db, row.id, EVENTS), await fleetReports(db, EVENTS, row.id)];
  const since = await silentSince(context);
  const now = Date.now();
  context.print({ ...row, events, reports }, () =>
    [
      `host      ${inert(row.name)} (${row.id})`,
      `group     ${row.group}, ring ${row.ring ?? 'none'}${labelText(row)}`,
      `heard of  ${heardOf(row, since, now)}; its clock said ${inert(row.saidAt ?? 'nothing')}`,
      `kernel    ${inert(row.release ?? 'unknown')}, build-id ${row.buildId ?? 'unknown'}, up for ${row.uptimeSeconds} s`,
      `agent     ${inert(row.agent ?? 'unknown')}, level ${row.level ?? 'unknown'}`,
      `state     ${row.state}${row.stateRelease === null ? '' : `, release ${row.stateRelease}`}${row.stateSince === null ? '' : `, ${ago(row.stateSince, now)}`}`,
      `archive   ${row.seenAt === null ? 'unknown' : (row.archiveError ?? 'read and believed')}`,
      ...(row.alarm === null ? [] : [`alarm     ${inert(row.alarm)}`]),
      ...(row.flags.length === 0 ? [] : [`marks     ${row.flags.join(' ')}`]),
      ...reports.map(
        ({ kind, title, blamed, count }) =>
          `reported  ${blamed ? 'a livepatch is blamed: ' : ''}${inert(kind)}: ${shorten(inert(title), TITLE_WIDTH)}${count > 1 ? ` (${count} times)` : ''}`,
      ),
      ...events.map(({ at, kind, detail }) => `${at.toISOString()}  ${kind}  ${inert(JSON.stringify(detail))}`),
    ].join('\n'),
  );
}

function labelText({ labels }: HostRow): string {
  const all = Object.entries(labels).map(([name, value]) => `${inert(name)}=${inert(value)}`);
  return all.length === 0 ? '' : `, ${all.join(' ')}`;
}

async function summary(context: Context): Promise<void> {
  const { db } = await context.store();
  const since = await silentSince(context);
  const [groups, kernels] = [await countHosts(db, since), await hostsByKernel(db, since)];
  context.print({ groups, kernels }, () =>
    groups.length === 0
      ? 'There is no host yet: "tuxtape host token --group NAME" makes a token to enrol one.'
      : [
          table(
            ['GROUP', 'HOSTS', 'SILENT', 'KERNEL UNKNOWN', 'MARKED'],
            groups.map((row) => [row.group, row.hosts, row.silent, row.unknownKernel, row.flagged]),
          ),
          '',
          table(
            ['KERNEL', 'RELEASE', 'BUILD-ID', 'HOSTS', 'SILENT'],
            kernels.map((row) => [
              ...[
                row.kernel ?? 'not here: exposure unknown',
                inert(row.release ?? 'unknown'),
                row.buildId ?? 'unknown',
              ],
              ...[row.hosts, row.silent],
            ]),
          ),
        ].join('\n'),
  );
}
