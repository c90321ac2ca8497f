import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { addProgram, encryptHeld, type HeldKey, makeKey, readKeys } from '#archive';
import { readLimited } from '#host';
import type { Context } from '../../context.ts';
import { newPassphrase, promptPassphrase } from '../../passphrase.ts';
import { collect, shortId, table } from '../../text.ts';
import { readPassphrase } from '../reviewer.ts';

const MAX_PEM_BYTES = 16 << 10;

interface MakeFlags {
  readonly keys: string;
  readonly plain?: boolean;
  readonly passphraseFile?: string;
}

interface EncryptFlags {
  readonly keys: string;
  readonly passphraseFile?: string;
  readonly oldPassphraseFile?: string;
}

interface ProgramFlags {
  readonly keys: string;
  readonly public: string;
  readonly program: string;
  readonly arg: readonly string[];
  readonly output: 'hex' | 'base64' | 'raw';
}

/** `tuxtape archive keys`: what a holder does on a machine of his own. */
export function registerArchiveKeys(archive: Command, context: Context): void {
  const keys = archive.command('keys').description('keys of a holder: make, list, encrypt, or have a program sign');
  keys
    .command('make')
    .description('make a key, under a passphrase; NAME.pub beside it is what is carried to the ceremony')
    .argument('<name>', 'name of the key, such as root-jane')
    .requiredOption('--keys <dir>', 'folder of the holder')
    .option('--plain', 'under no passphrase: for a key that a server signs with')
    .option('--passphrase-file <file>', 'file that holds the passphrase (default: asked for)')
    .addHelpText('after', '\nExample:\n  tuxtape archive keys make root-jane --keys /media/jane')
    .action(async (name: string, flags: MakeFlags) => {
      const passphrase = flags.plain === true ? null : await newPassphrase(flags.passphraseFile);
      printKey(context, await makeKey(resolve(flags.keys), name, passphrase), 'made');
    });
  keys
    .command('list')
    .description('the keys in a folder')
    .requiredOption('--keys <dir>', 'folder of the holder')
    .action(async (flags: { keys: string }) => {
      const held = await readKeys([resolve(flags.keys)]);
      const rows = held.map(({ name, kind, key, keyid }) => [name, kind, key.scheme, shortId(keyid)]);
      context.print(held.map(viewOf), () => table(['NAME', 'KIND', 'SCHEME', 'KEY ID'], rows));
    });
  keys
    .command('encrypt')
    .description('put a key under a passphrase, or under another one')
    .argument('<name>', 'name of the key')
    .requiredOption('--keys <dir>', 'folder of the holder')
    .option('--passphrase-file <file>', 'file that holds the new passphrase (default: asked for)')
    .option('--old-passphrase-file <file>', 'file that holds the old one (default: asked for)')
    .action((name: string, flags: EncryptFlags) => encrypt(context, name, flags));
  keys
    .command('program')
    .description('have a program sign: a PKCS #11 token, a key service (docs/operations/key-ceremony.md)')
    .argument('<name>', 'name of the key')
    .requiredOption('--keys <dir>', 'folder of the holder')
    .requiredOption('--public <file>', 'its public key, PEM')
    .requiredOption('--program <path>', 'program: reads the bytes on stdin, prints the signature')
    .option('--arg <word>', 'argument of the program; may be given again', collect, [])
    .addOption(new Option('--output <form>', 'what it prints').choices(['raw', 'hex', 'base64']).default('raw'))
    .action(async (name: string, flags: ProgramFlags) => {
      const publicPem = (await readLimited(resolve(flags.public), MAX_PEM_BYTES)).toString('utf8');
      const { program, arg, output } = flags;
      printKey(
        context,
        await addProgram(resolve(flags.keys), name, { program, args: arg, output, publicPem }),
        'wrote down',
      );
    });
}

async function encrypt(context: Context, name: string, flags: EncryptFlags): Promise<void> {
  const directory = resolve(flags.keys);
  const before = (await readKeys([directory])).find((one) => one.name === name);
  const old =
    (await readPassphrase(flags.oldPassphraseFile)) ??
    (before?.kind === 'encrypted' ? await promptPassphrase('old passphrase: ') : null);
  const next = await newPassphrase(flags.passphraseFile);
  printKey(context, await encryptHeld(directory, name, { old, next }), 'encrypted');
}

function viewOf({ name, file, kind, keyid, key }: HeldKey): object {
  return { name, file, kind, keyid, key };
}

function printKey(context: Context, held: HeldKey, verb: string): void {
  context.print(viewOf(held), () => {
    const guard = held.kind === 'plain' ? '\nno passphrase guards it' : '';
    return `${verb} ${held.file}${guard}\nkey id ${held.keyid}`;
  });
}
