import { type Command, InvalidArgumentError } from 'commander';
import { type AuditMark, type AuditRow, listAudit, verifyAudit } from '#store';
import type { Context } from '../context.ts';
import { CliError } from '../error.ts';
import { inert, shorten, table, wholeNumber } from '../text.ts';

const DEFAULT_ROWS = 50;

interface ListFlags {
  readonly subject?: string;
  readonly actor?: string;
  readonly before?: number;
  readonly limit: number;
}

/** `tuxtape audit`: who did what, and that nobody changed what was written of it. */
export function registerAudit(program: Command, context: Context): void {
  const audit = program.command('audit').description('who did what, when and why');
  audit
    .command('list')
    .description('the newest entries')
    .option('--subject <text>', 'about this: a CVE, an account, the id of a kernel or livepatch')
    .option('--actor <name>', 'of this person')
    .option('--before <seq>', 'only entries before this one', wholeNumber)
    .option('--limit <n>', 'how many', wholeNumber, DEFAULT_ROWS)
    .addHelpText('after', '\nExample:\n  tuxtape audit list --actor jane')
    .action((flags: ListFlags) => list(context, flags));
  audit
    .command('verify')
    .description('read the whole log and make every hash again')
    .option('--mark <seq:hash>', 'an entry as it was seen before; once for each', marks, [])
    .addHelpText(
      'after',
      '\nThe chain shows what was changed inside the log. That its end was cut off, or the whole of it made anew, shows against a\nmark that was kept elsewhere: keep what this prints.\n\nExample:\n  tuxtape audit verify --mark 812:9f2c…',
    )
    .action(({ mark }: { mark: readonly AuditMark[] }) => verify(context, mark));
}

async function list(context: Context, flags: ListFlags): Promise<void> {
  const { db } = await context.store();
  const rows = await listAudit(db, { ...flags, limit: Math.max(1, flags.limit) });
  context.print(rows, () => (rows.length === 0 ? 'There is no entry.' : auditTable(rows)));
}

function auditTable(rows: readonly AuditRow[]): string {
  return table(
    ['SEQ', 'AT', 'WHO', 'VIA', 'WHAT', 'OF', 'WHY'],
    rows.map(({ seq, at, actor, via, action, subject, reason }) => [
      ...[seq, at.toISOString(), actor, via, action, subject, shorten(inert(reason), 60)],
    ]),
  );
}

/** Errors: audit-broken. */
async function verify(context: Context, mark: readonly AuditMark[]): Promise<void> {
  const { db } = await context.store();
  const { rows, head, fault } = await verifyAudit(db, mark);
  if (fault !== null)
    throw new CliError('audit-broken', 'untrusted', {
      what: `entry ${fault.seq} of the audit log is not to be trusted: ${fault.what}`,
      where: `the ${rows} entries before it are as they were written`,
      remedy:
        'somebody with access to the database changed it: compare it with a backup, and with marks kept elsewhere',
    });
  context.print({ rows, head }, () =>
    head === null ? 'The log is empty.' : `${rows} entries, each as it was written\nmark  ${head.seq}:${head.hash}`,
  );
}

function marks(text: string, before: readonly AuditMark[]): AuditMark[] {
  const [, seq, hash = ''] = /^([1-9]\d{0,14}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq === undefined) throw new InvalidArgumentError('SEQ:HASH is wanted, as "audit verify" prints it');
  return [...before, { seq: Number(seq), hash }];
}
