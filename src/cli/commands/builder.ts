import { createHash, randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { toEnvironment } from '#config';
import { isBuilderName } from '#domain';
import { plainEnvironment, run, systemClock } from '#host';
import { writeNew } from '#livepatch';
import { addBuilder, type BuilderRow, listBuilders, removeBuilder } from '#store';
import type { Context } from '../context.ts';
import { CliError } from '../error.ts';
import { ago, inert, table } from '../text.ts';
import { author } from './person.ts';

const BUILDER = join(import.meta.dirname, '../../builder/main.ts');
const TOKEN_BYTES = 32;
/** A builder asks every two seconds; one that was not heard of for so long is away. */
const SILENT_MS = 60_000;

interface AddFlags {
  readonly tokenFile?: string;
  readonly by?: string;
}

interface RunFlags {
  readonly server?: string;
  readonly tokenFile?: string;
  readonly once?: boolean;
}

/** `tuxtape builder`: the machines that make livepatches for this server, and this machine as one of another server. */
export function registerBuilder(program: Command, context: Context): void {
  const builder = program.command('builder').description('machines that make livepatches for a server');
  builder
    .command('add')
    .description('on the server: let a machine make livepatches; its token is printed once')
    .argument('<name>', 'lower-case letters, digits, ".", "_" and "-"; used once')
    .option('--token-file <file>', 'write the token there instead; nothing is overwritten')
    .option('--by <who>', 'who says so (default: the user of this session)')
    .addHelpText('after', '\nExample:\n  tuxtape builder add forge-1 --token-file forge-1.token')
    .action((name: string, flags: AddFlags) => add(context, name, flags));
  builder
    .command('list')
    .description('on the server: which machines there are, and when each was heard of')
    .action(async () => list(context, await listBuilders((await context.store()).db)));
  builder
    .command('remove')
    .description("on the server: end a machine's token; what it is at goes to another")
    .argument('<name>', 'which one')
    .option('--by <who>', 'who says so (default: the user of this session)')
    .action(async (name: string, { by }: { by?: string }) => {
      const { db } = await context.store();
      await removeBuilder(db, name, author(by), systemClock.now());
      list(context, await listBuilders(db));
    });
  builder
    .command('run')
    .description('on the machine: make livepatches of the kernels that are built here, until Ctrl-C')
    .option('--server <url>', 'address of the server: https, or http on this machine')
    .option('--token-file <file>', 'file with the token')
    .option('--once', 'end when nothing waits')
    .addHelpText(
      'after',
      '\nExample:\n  tuxtape builder run --server https://tuxtape.example --token-file forge-1.token',
    )
    .action((flags: RunFlags) => work(context, flags));
}

async function add(context: Context, name: string, flags: AddFlags): Promise<void> {
  if (!isBuilderName(name))
    throw new CliError('name-invalid', 'input', {
      what: 'this can be no name of a builder',
      where: name,
      remedy: 'take lower-case letters, digits, ".", "_" and "-", at most 64',
    });
  const { db } = await context.store();
  const token = `ttb_${randomBytes(TOKEN_BYTES).toString('base64url')}`;
  const path = flags.tokenFile === undefined ? null : resolve(flags.tokenFile);
  // The file first: a token that nobody holds would only have to be removed again.
  if (path !== null) await writeNew(path, `${token}\n`, 0o600);
  const tokenSha256 = createHash('sha256').update(token).digest('hex');
  await addBuilder(db, { name, tokenSha256, by: author(flags.by), at: systemClock.now() });
  context.print({ name, token: path === null ? token : null, tokenFile: path }, () =>
    [
      path === null ? `token  ${token}` : `token  in ${path}`,
      'it is shown this once; give it to the machine in a file that only its user can read',
      'next, on the machine: tuxtape builder run --server URL --token-file FILE',
    ].join('\n'),
  );
}

function list(context: Context, builders: readonly BuilderRow[]): void {
  const now = Date.now();
  context.print(builders, () =>
    builders.length === 0
      ? 'There is no builder yet: "tuxtape builder add NAME" lets a machine work.'
      : table(
          ['NAME', 'STATE', 'HEARD OF', 'VERSION', 'KERNELS', 'ADDED BY'],
          builders.map((row) => [
            ...[row.name, stateOf(row, now), row.seenAt === null ? 'never' : ago(row.seenAt, now)],
            ...[inert(row.version ?? ''), row.kernels.length, row.addedBy],
          ]),
        ),
  );
}

function stateOf({ removedAt, seenAt }: BuilderRow, now: number): string {
  if (removedAt !== null) return 'removed';
  if (seenAt === null) return 'not heard of';
  return now - seenAt.getTime() > SILENT_MS ? 'silent' : 'there';
}

/** Runs the builder as a program of its own, and ends with it. */
async function work(context: Context, flags: RunFlags): Promise<void> {
  const config = await context.config();
  const given = {
    ...(flags.server === undefined ? {} : { TUXTAPE_BUILDER_SERVER: flags.server }),
    ...(flags.tokenFile === undefined ? {} : { TUXTAPE_BUILDER_TOKEN_FILE: resolve(flags.tokenFile) }),
  };
  const env = plainEnvironment({ ...toEnvironment(config), ...given });
  const onOutput = (text: string): void => {
    process.stderr.write(text);
  };
  const options = { env, signal: context.signal, onOutput, keepTail: true };
  try {
    await run(process.execPath, [BUILDER, ...(flags.once === true ? ['--once'] : [])], options);
  } catch (error) {
    if (!context.signal.aborted) throw error;
  }
}
