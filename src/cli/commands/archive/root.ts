import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import {
  applyChange,
  type KeyChanges,
  type KeyRole,
  Keyring,
  keyDifferences,
  keyRoles,
  type PendingChange,
  parsePublicKey,
  pendingRoles,
  proposeArchive,
  proposeKeys,
  readPending,
  readState,
  requireRoot,
  signPending,
  writePending,
} from '#archive';
import { readLimited } from '#host';
import type { Context } from '../../context.ts';
import { passphraseSource } from '../../passphrase.ts';
import { collect, shortId, table } from '../../text.ts';
import { type KeyFlags, placeOf, waiting, withKeys } from './place.ts';
import { binBits } from './words.ts';

const MAX_PUBLIC_BYTES = 16 << 10;
const MAX_ROOT_BYTES = 1 << 20;

interface SignFlags extends KeyFlags {
  readonly root?: string;
}

interface ProposeFlags {
  readonly archive?: string;
  readonly new?: boolean;
  readonly out: string;
  readonly add: readonly string[];
  readonly remove: readonly string[];
  readonly replace: readonly string[];
  readonly threshold: readonly string[];
  readonly renew: readonly string[];
  readonly bins: number;
}

/** `tuxtape archive root`: who may sign for the archive, decided by those who may now. */
export function registerArchiveRoot(archive: Command, context: Context): void {
  const root = archive.command('root').description('the ceremony: propose keys, sign in turn, apply');
  root
    .command('propose')
    .description('write a change of keys to a file, which holders sign in turn')
    .option('--archive <dir>', 'the archive')
    .option('--new', 'a new archive')
    .requiredOption('--out <file>', 'where the change is written')
    .option('--add <role=file>', 'a public key (NAME.pub) that may sign for a role', collect, [])
    .option('--remove <role=keyid>', 'a key that may not any more', collect, [])
    .option('--replace <role=file>', 'this key instead of all of the role', collect, [])
    .option('--threshold <role=n>', 'how many keys of a role have to sign', collect, [])
    .option('--renew <role>', 'sign root, targets or modules anew, against expiry', collect, [])
    .option('--bins <n>', 'hash bins of a new archive', binBits, 6)
    .addHelpText(
      'after',
      '\nExample:\n  tuxtape archive root propose --archive /srv/archive --out change.json --replace timestamp=timestamp-2.pub',
    )
    .action((flags: ProposeFlags) => propose(context, flags));
  root
    .command('show')
    .description('what a change would do, and whose signatures it lacks')
    .argument('<file>', 'the change')
    .action(async (file: string) => show(context, await readPending(resolve(file))));
  withKeys(
    root
      .command('sign')
      .description('sign a change with the keys at hand; needs no archive and no network')
      .argument('<file>', 'the change')
      .option('--root <file>', 'the root.json that the holder knows: the change has to be of its archive'),
  ).action((file: string, flags: SignFlags) => sign(context, resolve(file), flags));
  withKeys(
    root
      .command('apply')
      .description('put a change that was signed into the archive, with the online keys')
      .argument('<file>', 'the change')
      .argument('<dir>', 'the archive'),
  ).action(async (file: string, directory: string, flags: KeyFlags) => {
    const change = await readPending(resolve(file));
    const place = await placeOf(directory, flags);
    await applyChange(place, change);
    context.print({ archive: place.directory, roles: pendingRoles(change) }, () =>
      change.base === null ? `made an archive in ${place.directory}` : `changed ${place.directory}`,
    );
  });
}

async function propose(context: Context, flags: ProposeFlags): Promise<void> {
  const changes: KeyChanges = {
    add: await Promise.all(flags.add.map(roleKey)),
    replace: await Promise.all(flags.replace.map(roleKey)),
    remove: flags.remove.map((text) => ({ role: roleOf(text), keyid: valueOf(text) })),
    thresholds: flags.threshold.map((text) => ({ role: roleOf(text), threshold: Number(valueOf(text)) })),
    renew: flags.renew.map(roleOf),
  };
  if ((flags.archive === undefined) === (flags.new !== true))
    throw new InvalidArgumentError('either --archive or --new is wanted');
  const change =
    flags.archive === undefined
      ? proposeArchive(changes, flags.bins, new Date())
      : await proposeKeys(await readState(resolve(flags.archive)), changes, new Date());
  const file = resolve(flags.out);
  await writePending(file, change);
  context.print({ file, roles: pendingRoles(change) }, () => `${describe(change)}\n${waiting(change, file)}`);
}

function roleOf(text: string): KeyRole {
  const name = text.split('=', 1)[0];
  const role = keyRoles.find((one) => one === name);
  if (role !== undefined) return role;
  throw new InvalidArgumentError(`a role is wanted: ${keyRoles.join(', ')}`);
}

function valueOf(text: string): string {
  const at = text.indexOf('=');
  if (at > 0 && at < text.length - 1) return text.slice(at + 1);
  throw new InvalidArgumentError('ROLE=VALUE is wanted');
}

async function roleKey(text: string): Promise<KeyChanges['add'][number]> {
  const file = resolve(valueOf(text));
  const key = parsePublicKey((await readLimited(file, MAX_PUBLIC_BYTES)).toString('utf8'), file);
  return { role: roleOf(text), key };
}

async function sign(context: Context, file: string, { keys, passphraseFile, root }: SignFlags): Promise<void> {
  const before = await readPending(file);
  if (root !== undefined) requireRoot(before, await readLimited(resolve(root), MAX_ROOT_BYTES), root);
  // Told before a passphrase is asked for: it is what the holder says yes to.
  process.stderr.write(`${describe(before)}\n`);
  const passphrase = await passphraseSource(passphraseFile);
  const keyring = await Keyring.of({ keys: keys.map((one) => resolve(one)), passphrase });
  const { change, added } = await signPending(before, keyring);
  await writePending(file, change);
  context.print({ added, roles: pendingRoles(change) }, () => `${added} signatures were added\n${signatures(change)}`);
}

function show(context: Context, change: PendingChange): void {
  const rows = pendingRoles(change);
  context.print({ made: change.made, new: change.base === null, roles: rows }, () =>
    [describe(change), signatures(change)].join('\n'),
  );
}

function signatures(change: PendingChange): string {
  const rows = pendingRoles(change).map(({ role, documents, version, have, need, open }) => [
    role,
    documents,
    version,
    `${have} of ${need}`,
    have >= need ? '' : open.map((keyid) => shortId(keyid)).join(' '),
  ]);
  return table(['ROLE', 'DOCUMENTS', 'VERSION', 'SIGNATURES', 'KEYS THAT MAY STILL SIGN'], rows);
}

/** Who may sign what after it, role by role: whole, for a holder has to compare it with what he knows. */
function describe(change: PendingChange): string {
  const head = change.base === null ? 'a new archive' : 'a change of an archive';
  const lines = keyDifferences(change).map(({ role, stay, gone, come, before, after }) => {
    const keys = [
      ...stay.map((keyid) => keyid.slice(0, 12)),
      ...come.map((keyid) => `+ ${keyid.slice(0, 12)}`),
      ...gone.map((keyid) => `- ${keyid.slice(0, 12)}`),
    ];
    const instead = before === null || before === after ? '' : ` instead of ${before}`;
    return `  ${role}: ${keys.join(', ')}; ${after} have to sign${instead}`;
  });
  const roles = [...new Set(pendingRoles(change).map(({ role }) => role))];
  return `${head}, proposed ${change.made}; signed anew: ${roles.join(', ')}\n${lines.join('\n')}`;
}
