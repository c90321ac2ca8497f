import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { holdsRole, scopeText } from '#domain';
import { systemClock, writeOutput } from '#host';
import { newToken, secretHash } from '#identity';
import { addToken, listKernels, listTokens, needAccount, revokeToken } from '#store';
import type { Context } from '../context.ts';
import { CliError } from '../error.ts';
import { collect, inert, table } from '../text.ts';
import { grantsOf, grantText, ROLE_HELP } from './grant-args.ts';
import { author } from './person.ts';

const DAY_MS = 86_400_000;
const MAX_DAYS = 366;

interface MakeFlags {
  readonly user: string;
  readonly days: number;
  readonly role: readonly string[];
  readonly output?: string;
  readonly by?: string;
}

/** `tuxtape token`: how programs call the API. */
export function registerToken(program: Command, context: Context): void {
  const token = program.command('token').description('tokens with which programs call the API');
  token
    .command('make')
    .description('make a token of an account; it is shown once, and only its hash is stored')
    .argument('<what>', 'what it is for')
    .requiredOption('--user <name>', 'the account')
    .option('--days <n>', `how long it counts, at most ${MAX_DAYS}`, days, 30)
    .option('--role <role>', `what it carries (default: what the account holds): ${ROLE_HELP}`, collect, [])
    .option('--output <file>', 'write it into a file that only you can read, instead of showing it')
    .option('--by <who>', 'who says so (default: the user of this session)')
    .addHelpText('after', '\nExample:\n  tuxtape token make grafana --user metrics --role viewer --days 90')
    .action((what: string, flags: MakeFlags) => make(context, what, flags));
  token
    .command('list')
    .description('the tokens there are')
    .option('--user <name>', 'of this account')
    .action(({ user }: { user?: string }) => list(context, user ?? null));
  token
    .command('revoke')
    .description('take a token back')
    .argument('<id>', 'its id')
    .option('--by <who>', 'who says so (default: the user of this session)')
    .action(async (id: string, { by }: { by?: string }) => {
      const { db } = await context.store();
      await revokeToken(db, id, null, { by: author(by), at: systemClock.now() });
      await list(context, null);
    });
}

async function make(context: Context, what: string, flags: MakeFlags): Promise<void> {
  const { db } = await context.store();
  const account = await needAccount(db, flags.user);
  const grants = flags.role.length === 0 ? account.grants : await grantsOf(db, flags.role);
  const more = grants.find(({ role, scope }) => !holdsRole(account.grants, [role], scope));
  if (grants.length === 0 || more !== undefined)
    throw new CliError('role-invalid', 'input', {
      what: more ? `the account does not hold ${more.role} for ${scopeText(more.scope)}` : 'the account holds no role',
      where: account.name,
      remedy: 'a token carries no more than its account; "tuxtape user grant" gives roles',
    });
  const [secret, at] = [newToken(), systemClock.now()];
  const endsAt = new Date(at.getTime() + flags.days * DAY_MS);
  const wanted = { account: account.name, name: what, grants, hash: secretHash(secret), endsAt };
  const made = await addToken(db, wanted, { by: author(flags.by), at });
  if (flags.output !== undefined) await writeOutput(resolve(flags.output), `${secret}\n`, 0o600);
  const shown = flags.output === undefined ? { secret } : { file: resolve(flags.output) };
  context.print({ ...made, ...shown }, () =>
    [`id      ${made.id}`, `ends    ${endsAt.toISOString()}`, `token   ${shown.file ?? secret}`].join('\n'),
  );
}

async function list(context: Context, account: string | null): Promise<void> {
  const { db } = await context.store();
  const tokens = await listTokens(db, account);
  const kernels = new Map((await listKernels(db)).map(({ id, name }) => [id, name]));
  const now = systemClock.now();
  context.print(tokens, () =>
    tokens.length === 0
      ? 'There is no token.'
      : table(
          ['ID', 'USER', 'FOR', 'CARRIES', 'ENDS', 'LAST USED'],
          tokens.map((one) => [
            ...[one.id, one.account, inert(one.name), grantText(one.grants, kernels)],
            one.revokedAt !== null ? 'taken back' : one.endsAt <= now ? 'over' : one.endsAt.toISOString(),
            one.usedAt?.toISOString() ?? 'never',
          ]),
        ),
  );
}

function days(text: string): number {
  const value = Number(text);
  if (/^\d{1,3}$/.test(text) && value >= 1 && value <= MAX_DAYS) return value;
  throw new InvalidArgumentError(`a number from 1 to ${MAX_DAYS} is wanted`);
}
