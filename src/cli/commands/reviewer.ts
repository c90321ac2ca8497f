import { resolve } from 'node:path';
import type { Command } from 'commander';
import { isReviewerName, type Reviewer } from '#domain';
import { readLimited, systemClock } from '#host';
import { keyIdOf, makeKeyFile, publicPem, readPublicKey, writeNew } from '#livepatch';
import { addReviewer, listReviewers, removeReviewer } from '#store';
import type { Context } from '../context.ts';
import { CliError } from '../error.ts';
import { collect, shortId, table } from '../text.ts';
import { author } from './person.ts';

const MAX_PASSPHRASE_BYTES = 4_096;

interface MakeFlags {
  readonly key: string;
  readonly passphraseFile?: string;
}

interface AddFlags {
  readonly public: string;
  readonly alias: readonly string[];
  readonly by?: string;
}

/** `tuxtape reviewer`: who may approve livepatches, by keys that only they have. */
export function registerReviewer(program: Command, context: Context): void {
  const reviewer = program.command('reviewer').description('the people who may approve livepatches, by their keys');
  reviewer
    .command('make')
    .description('make a key: FILE (keep it) and FILE with .pub.pem (give it away); nothing is overwritten')
    .argument('<name>', 'lower-case letters, digits, ".", "_" and "-"')
    .requiredOption('--key <file>', 'the file to write')
    .option('--passphrase-file <file>', 'file that holds a passphrase to encrypt it with')
    .addHelpText('after', '\nExample:\n  tuxtape reviewer make jane --key jane.pem --passphrase-file secret.txt')
    .action((name: string, flags: MakeFlags) => make(context, name, flags));
  reviewer
    .command('add')
    .description('let a person approve')
    .argument('<name>', 'who it is')
    .requiredOption('--public <file>', 'public half of the key')
    .option('--alias <who>', 'a name under which this person edits and builds; once for each', collect, [])
    .option('--by <who>', 'who says so (default: the user of this session)')
    .addHelpText('after', '\nExample:\n  tuxtape reviewer add jane --public jane.pub.pem --alias "Jane Doe"')
    .action((name: string, flags: AddFlags) => add(context, name, flags));
  reviewer
    .command('list')
    .description('who may approve')
    .action(async () => list(context, await listReviewers((await context.store()).db)));
  reviewer
    .command('remove')
    .description('let a person approve no more; what was approved with that key counts no more either')
    .argument('<name>', 'who it is')
    .option('--by <who>', 'who says so (default: the user of this session)')
    .action(async (name: string, { by }: { by?: string }) => {
      const { db } = await context.store();
      await removeReviewer(db, name, author(by), systemClock.now());
      list(context, await listReviewers(db));
    });
}

async function make(context: Context, name: string, flags: MakeFlags): Promise<void> {
  needName(name);
  const path = resolve(flags.key);
  const open = `${path.replace(/\.pem$/, '')}.pub.pem`;
  const key = await makeKeyFile(path, await readPassphrase(flags.passphraseFile));
  await writeNew(open, publicPem(key), 0o644);
  const made = {
    name,
    private: path,
    public: open,
    keyId: keyIdOf(key),
    encrypted: flags.passphraseFile !== undefined,
  };
  context.print(made, () =>
    [
      `private ${path}${made.encrypted ? ', encrypted' : ''}`,
      `public  ${open}`,
      `key id  ${made.keyId}`,
      `next: tuxtape reviewer add ${name} --public ${open}`,
    ].join('\n'),
  );
}

async function add(context: Context, name: string, flags: AddFlags): Promise<void> {
  needName(name);
  const key = await readPublicKey(resolve(flags.public));
  const who = { name, aliases: flags.alias, addedBy: author(flags.by), addedAt: systemClock.now() };
  const { db } = await context.store();
  await addReviewer(db, { ...who, keyId: keyIdOf(key), publicKey: publicPem(key) });
  list(context, await listReviewers(db));
}

function list(context: Context, reviewers: readonly Reviewer[]): void {
  context.print(reviewers, () =>
    reviewers.length === 0
      ? 'Nobody may approve yet; "tuxtape reviewer add NAME --public FILE" lets somebody.'
      : table(
          ['NAME', 'KEY', 'ALSO', 'ADDED BY', 'ON'],
          reviewers.map(({ name, keyId, aliases, addedBy, addedAt }) => [
            ...[name, shortId(keyId), aliases.join(', '), addedBy, addedAt.toISOString()],
          ]),
        ),
  );
}

/** Errors: name-invalid. */
function needName(name: string): void {
  if (isReviewerName(name)) return;
  throw new CliError('name-invalid', 'input', {
    what: 'this can be no name of a reviewer',
    where: name,
    remedy: 'take lower-case letters, digits, ".", "_" and "-", at most 64; "autopilot" is taken',
  });
}

/** First line of the file; null without one. Errors: those of reading; passphrase-empty. */
export async function readPassphrase(file: string | undefined): Promise<string | null> {
  if (file === undefined) return null;
  const [line = ''] = (await readLimited(resolve(file), MAX_PASSPHRASE_BYTES)).toString('utf8').split(/\r?\n/);
  if (line !== '') return line;
  throw new CliError('passphrase-empty', 'input', { what: 'the passphrase is empty', where: file });
}
