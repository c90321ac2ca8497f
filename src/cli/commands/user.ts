import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type Grant, isAccountName } from '#domain';
import { askSecret, readLimited, systemClock } from '#host';
import { hashPassword, newTotpSecret, toBase32, totpUri } from '#identity';
import {
  type Account,
  addAccount,
  addGrant,
  type By,
  type Db,
  disableAccount,
  hasAccounts,
  listAccounts,
  listKernels,
  needAccount,
  removeGrant,
  setPassword,
  setTotp,
} from '#store';
import type { Context } from '../context.ts';
import { CliError } from '../error.ts';
import { collect, inert, table } from '../text.ts';
import { grantOf, grantsOf, grantText, ROLE_HELP } from './grant-args.ts';
import { author } from './person.ts';

const MAX_PASSWORD_FILE = 4_096;

interface AddFlags {
  readonly role: readonly string[];
  readonly shown?: string;
  readonly passwordFile?: string;
  readonly password: boolean;
  readonly issuer?: string;
  readonly subject?: string;
  readonly by?: string;
}

/** `tuxtape user`: who may log in to the server, and as what. */
export function registerUser(program: Command, context: Context): void {
  const user = program.command('user').description('accounts of the server, and the roles they hold');
  user
    .command('add')
    .description('add an account; the password is asked for, or read from a file')
    .argument('<name>', 'lower-case letters, digits, ".", "_" and "-"')
    .option('--role <role>', `${ROLE_HELP}; once for each`, collect, [])
    .option('--shown <text>', 'how the person is called')
    .option('--password-file <file>', 'file whose first line is the password')
    .option('--no-password', 'no login with a password: by OIDC or with tokens only')
    .option('--issuer <url>', 'OIDC provider that knows this person')
    .option('--subject <sub>', 'the "sub" of this person there')
    .option('--by <who>', 'who says so (default: the user of this session)')
    .addHelpText(
      'after',
      '\nExamples:\n  tuxtape user add jane --role admin\n  tuxtape user add bo --role author@kernel:web',
    )
    .action((name: string, flags: AddFlags) => add(context, name, flags));
  user
    .command('list')
    .description('the accounts there are')
    .action(() => list(context));
  change(user.command('grant <name> <role>').description('give a role'), (name, by, role) =>
    withGrant(context, role, (db, grant) => addGrant(db, name, grant, by)),
  );
  change(user.command('revoke <name> <role>').description('take a role away'), (name, by, role) =>
    withGrant(context, role, (db, grant) => removeGrant(db, name, grant, by)),
  );
  change(
    user.command('disable <name>').description('end an account, its sessions and its tokens'),
    async (name, by) => {
      await disableAccount((await context.store()).db, name, by);
      await list(context);
    },
  );
  registerSecrets(user, context);
}

function registerSecrets(user: Command, context: Context): void {
  user
    .command('password')
    .description('give an account a new password; its sessions end')
    .argument('<name>', 'who')
    .option('--password-file <file>', 'file whose first line is the password')
    .option('--by <who>', 'who says so (default: the user of this session)')
    .action(async (name: string, flags: { passwordFile?: string; by?: string }) => {
      const { db } = await context.store();
      await needAccount(db, name);
      const password = await hashPassword(await readPassword(flags.passwordFile), name);
      await setPassword(db, name, { password }, whoAndWhen(flags.by));
      await list(context);
    });
  user
    .command('totp')
    .description('make a secret for one-time codes, shown once; its sessions end')
    .argument('<name>', 'who')
    .option('--off', 'no codes any more')
    .option('--by <who>', 'who says so (default: the user of this session)')
    .action(async (name: string, { off, by }: { off?: boolean; by?: string }) => {
      const { db } = await context.store();
      const secret = off === true ? null : newTotpSecret();
      await setTotp(db, name, secret, whoAndWhen(by));
      const told = { name, secret: secret && toBase32(secret), uri: secret && totpUri(secret, name) };
      context.print(told, () =>
        secret === null
          ? `${name} logs in without codes`
          : `secret  ${toBase32(secret)}\naddress ${totpUri(secret, name)}\nIt is shown this once.`,
      );
    });
}

type Change = (name: string, by: By, role: string) => Promise<void>;

function change(command: Command, body: Change): void {
  command
    .option('--by <who>', 'who says so (default: the user of this session)')
    .action((name: string, ...rest: [string, { by?: string }] | [{ by?: string }]) => {
      const [role, flags] = typeof rest[0] === 'string' ? [rest[0], rest[1]] : ['', rest[0]];
      return body(name, whoAndWhen(flags?.by), role);
    });
}

async function withGrant(context: Context, role: string, body: (db: Db, grant: Grant) => Promise<void>): Promise<void> {
  const { db } = await context.store();
  await body(db, await grantOf(db, role));
  await list(context);
}

function whoAndWhen(by: string | undefined): By {
  return { by: author(by), at: systemClock.now() };
}

async function add(context: Context, name: string, flags: AddFlags): Promise<void> {
  if (!isAccountName(name))
    throw new CliError('name-invalid', 'input', {
      what: 'this can be no name of an account',
      where: name,
      remedy:
        'take lower-case letters, digits, ".", "_" and "-", at most 64; "autopilot", "local" and "server" are taken',
    });
  const { issuer, subject, shown } = flags;
  if ((issuer === undefined) !== (subject === undefined))
    throw new CliError('name-invalid', 'input', { what: '--issuer and --subject go together', where: name });
  const { db } = await context.store();
  const grants = await grantsOf(db, flags.role);
  const isFirst = !(await hasAccounts(db));
  const password = flags.password ? await hashPassword(await readPassword(flags.passwordFile), name) : null;
  await addAccount(
    db,
    {
      ...{ name, password, grants, ...(shown === undefined ? {} : { shown }) },
      subject: issuer === undefined || subject === undefined ? null : { issuer, subject },
    },
    whoAndWhen(flags.by),
  );
  if (isFirst) process.stderr.write('From now on the page and the API ask for a login.\n');
  await list(context);
}

async function list(context: Context): Promise<void> {
  const { db } = await context.store();
  const accounts = await listAccounts(db);
  const kernels = new Map((await listKernels(db)).map(({ id, name }) => [id, name]));
  context.print(accounts, () =>
    accounts.length === 0
      ? 'There is no account: whoever reaches the server on this machine may read; "tuxtape user add NAME --role admin" makes one.'
      : table(
          ['NAME', 'SHOWN', 'ROLES', 'LOGIN', 'ADDED BY', 'ON'],
          accounts.map((one) => [
            ...[one.name, inert(one.shown), grantText(one.grants, kernels), loginText(one)],
            ...[one.addedBy, one.addedAt.toISOString()],
          ]),
        ),
  );
}

function loginText({ disabledAt, hasPassword, hasTotp, subject }: Account): string {
  if (disabledAt !== null) return 'disabled';
  const ways = [hasPassword ? `password${hasTotp ? ' and code' : ''}` : '', subject === null ? '' : 'OIDC'];
  return ways.filter((way) => way !== '').join(', ') || 'tokens only';
}

/** From the first line of a file, else asked for twice; never an argument, which every process of the machine can read. */
async function readPassword(file: string | undefined): Promise<string> {
  if (file !== undefined) {
    const text = (await readLimited(resolve(file), MAX_PASSWORD_FILE)).toString('utf8');
    return text.split(/\r?\n/)[0] ?? '';
  }
  const first = await askSecret('Password: ');
  if (first === (await askSecret('Once more: '))) return first;
  throw new CliError('password-differs', 'input', { what: 'these were two different passwords; nothing was changed' });
}
