import { resolve } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '#host';
import { backup, checkBackup, readPassphrase, restore } from '#pipeline';
import type { Context } from '../context.ts';
import { VERSION } from '../version.ts';
import { author } from './person.ts';

interface BackupFlags {
  readonly withKeys?: boolean;
  readonly passphraseFile?: string;
  readonly by?: string;
}

interface RestoreFlags {
  readonly check?: boolean;
  readonly passphraseFile?: string;
  readonly by?: string;
}

const PASSPHRASE = 'file with the passphrase that the backup is encrypted with';
const BY = 'who; default: the user of this session';

/** `tuxtape backup` and `tuxtape restore`; docs/operations/backup.md has the drill. */
export function registerBackup(program: Command, context: Context): void {
  program
    .command('backup')
    .description(
      'write the database, at one moment, and the files of its livepatches into one file; the server may run',
    )
    .argument('<file>', 'it is there whole, or not at all')
    .option('--with-keys', 'the private keys of this installation, too; only encrypted')
    .option('--passphrase-file <file>', PASSPHRASE)
    .option('--by <name>', BY)
    .addHelpText(
      'after',
      '\nExample:\n  tuxtape backup /backup/tuxtape.backup --with-keys --passphrase-file /etc/tuxtape/backup.pass',
    )
    .action((file: string, flags: BackupFlags) => make(context, file, flags));
  program
    .command('restore')
    .description('put a backup into an empty data directory and an empty database; the server must not run')
    .argument('<file>', 'a backup')
    .option('--check', 'only verify it: nothing is written')
    .option('--passphrase-file <file>', PASSPHRASE)
    .option('--by <name>', BY)
    .addHelpText(
      'after',
      '\nExample:\n  tuxtape --data /srv/tuxtape restore /backup/tuxtape.backup --passphrase-file /etc/tuxtape/backup.pass',
    )
    .action((file: string, flags: RestoreFlags) => putBack(context, file, flags));
}

async function passphraseOf(file: string | undefined): Promise<string | null> {
  return file === undefined ? null : readPassphrase(resolve(file));
}

async function make(context: Context, file: string, flags: BackupFlags): Promise<void> {
  const config = await context.config();
  const passphrase = await passphraseOf(flags.passphraseFile);
  const store = await context.store();
  const made = await context.progress('backup', (step) => {
    let tables = 0;
    return backup({
      ...{ store, dataDirectory: resolve(config.need('data')), file: resolve(file), passphrase, clock: systemClock },
      ...{ withKeys: flags.withKeys === true, program: VERSION, by: author(flags.by) },
      onEntry: (name) => step(++tables, null, name),
    });
  });
  const { entries, keys, missing, ...about } = made.manifest;
  const result = { file: made.file, sha256: made.sha256, at: about.at, entries: entries.length, keys, missing };
  context.print(result, () =>
    [
      `backup    ${made.file}`,
      `sha256    ${made.sha256}`,
      `of        ${about.at}, ${entries.length} tables and files`,
      `keys      ${keys.included ? `in it: ${keys.names.join(', ') || 'none'}` : `not in it: ${keys.names.join(', ') || 'there are none'}`}`,
      ...(missing.length === 0 ? [] : [`missing   livepatches without files: ${missing.join(', ')}`]),
      'try it    tuxtape restore --check FILE, and the drill of docs/operations/backup.md',
    ].join('\n'),
  );
}

async function putBack(context: Context, given: string, flags: RestoreFlags): Promise<void> {
  const config = await context.config();
  const passphrase = await passphraseOf(flags.passphraseFile);
  const file = resolve(given);
  if (flags.check === true) {
    const { at, entries, program } = await checkBackup(file, passphrase);
    context.print(
      { file, at, program, entries: entries.length, good: true },
      () => `${file} is whole: of ${at}, by TuxTape ${program}, ${entries.length} tables and files`,
    );
    return;
  }
  const done = await context.progress('restore', (step) => {
    let tables = 0;
    return restore({
      ...{ file, passphrase, by: author(flags.by), clock: systemClock },
      ...{ dataDirectory: resolve(config.need('data')), databaseUrl: config.text('database.url') },
      onEntry: (name) => step(++tables, null, name),
    });
  });
  const { manifest, epoch, migrated } = done;
  context.print({ file, of: manifest.at, epoch, migrated, keys: manifest.keys, missing: manifest.missing }, () =>
    [
      `restored  ${file}, of ${manifest.at}`,
      `epoch     ${epoch}: what is numbered from now on comes after all that was numbered before`,
      ...(migrated > 0 ? [`migrated  ${migrated} migrations came after it`] : []),
      ...(manifest.keys.included || manifest.keys.names.length === 0
        ? []
        : [`keys      not in it: ${manifest.keys.names.join(', ')}; put them back from where you keep them`]),
      'not in it: mirrors of feeds and fixes (read again), kernel build trees (built or imported again), the archive, the configuration',
    ].join('\n'),
  );
}
