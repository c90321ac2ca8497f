import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { initArchive } from '#archive';
import { publish, subscribe } from '#pipeline';
import type { Context } from '../../context.ts';
import { newPassphrase } from '../../passphrase.ts';
import { author } from '../person.ts';
import { registerArchiveCarry } from './carry.ts';
import { registerArchiveKeys } from './keys.ts';
import {
  type KeyFlags,
  keepPending,
  type PlaceFlags,
  type ProposeFlags,
  placeOf,
  withKeys,
  withPropose,
} from './place.ts';
import { registerArchiveRollout } from './rollout.ts';
import { registerArchiveRoot } from './root.ts';
import { registerArchiveShow } from './show.ts';
import { registerArchiveTerms } from './terms.ts';
import { registerArchiveUpkeep } from './upkeep.ts';
import { approvedBy, binBits } from './words.ts';

interface PublishFlags extends PlaceFlags, ProposeFlags {
  readonly withoutApproval?: string;
  readonly by?: string;
}

interface InitFlags {
  readonly keys: string;
  readonly passphraseFile?: string;
  readonly encrypt?: boolean;
  readonly bins: number;
}

export function registerArchive(program: Command, context: Context): void {
  const archive = program.command('archive').description('the signed archive agents load from');
  archive
    .command('init')
    .description(
      'make an empty archive and the keys of its roles, for one person; "archive root propose --new" is for several',
    )
    .argument('<dir>', 'folder of static files, to be served')
    .requiredOption('--keys <dir>', 'folder for the keys, never to be served')
    .option('--encrypt', 'put the keys of root, targets and modules under a passphrase, which is asked for')
    .option('--passphrase-file <file>', 'the same, with the passphrase of a file')
    .option('--bins <n>', 'hash bins, a power of two, for good; one for each 40 releases', binBits, 6)
    .addHelpText('after', '\nExample:\n  tuxtape archive init /srv/archive --keys /srv/keys')
    .action((directory: string, flags: InitFlags) => init(context, directory, flags));
  withKeys(
    archive
      .command('subscribe')
      .description('open an empty index for a kernel, before its first livepatch')
      .argument('<kernel>', 'name, id or build-id')
      .requiredOption('--archive <dir>', 'the archive'),
  ).action((kernel: string, flags: PlaceFlags) => subscribeOne(context, kernel, flags));
  withPropose(
    withKeys(
      archive
        .command('publish')
        .description('publish a proved and approved livepatch as the next release of its kernel')
        .argument('<livepatch>', 'id or module name')
        .requiredOption('--archive <dir>', 'the archive')
        .option('--without-approval <reason>', 'publish what people did not approve; the reason stands in the release')
        .option('--by <who>', 'who publishes (default: the user of this session)'),
    ),
  )
    .addHelpText('after', '\nExample:\n  tuxtape archive publish ID --archive /srv/archive --keys /srv/keys')
    .action((livepatch: string, flags: PublishFlags) => publishOne(context, livepatch, flags));
  registerArchiveTerms(archive, context);
  registerArchiveRollout(archive, context);
  registerArchiveUpkeep(archive, context);
  registerArchiveShow(archive, context);
  registerArchiveKeys(archive, context);
  registerArchiveRoot(archive, context);
  registerArchiveCarry(archive, context);
}

async function init(context: Context, directory: string, flags: InitFlags): Promise<void> {
  const isEncrypted = flags.encrypt === true || flags.passphraseFile !== undefined;
  const offlinePassphrase = isEncrypted ? await newPassphrase(flags.passphraseFile) : null;
  const keys: KeyFlags = { keys: [flags.keys] };
  const place = await placeOf(directory, keys);
  await initArchive(place, { offlinePassphrase, bits: flags.bins });
  const root = join(place.directory, 'root.json');
  const folder = resolve(flags.keys);
  const guard = isEncrypted
    ? 'those of root, targets and modules are under your passphrase'
    : 'nothing guards them: whoever reads that folder is this archive ("tuxtape archive keys encrypt")';
  context.print(
    { directory: place.directory, keys: folder, root, encrypted: isEncrypted },
    () =>
      `made an archive in ${place.directory}\nkeys are in ${folder}: keep them off the server; ${guard}\ngive hosts ${root}: it is all they trust`,
  );
}

async function subscribeOne(context: Context, kernel: string, flags: PlaceFlags): Promise<void> {
  const index = await subscribe(await context.store(), await placeOf(flags.archive, flags), kernel);
  context.print(
    index,
    () =>
      `kernel ${index.kernelRelease} (build-id ${index.buildId.slice(0, 12)}) is served; ${index.releases.length} releases`,
  );
}

async function publishOne(context: Context, livepatch: string, flags: PublishFlags): Promise<void> {
  const published = await publish({
    store: await context.store(),
    place: await placeOf(flags.archive, flags),
    livepatch,
    by: author(flags.by),
    withoutApproval: flags.withoutApproval ?? null,
    propose: flags.propose !== undefined,
  });
  const { result: release } = published;
  const waits = await keepPending(published, flags);
  const words = approvedBy(release.approval);
  if (flags.withoutApproval !== undefined) process.stderr.write(`tuxtape: WARNING: ${words}\n`);
  context.print(release, () => {
    const what = `${release.moduleName} as release ${release.number} for build-id ${release.buildId.slice(0, 12)}`;
    return waits === null ? `published ${what}\n${words}` : `proposed ${what}\n${words}\n${waits}`;
  });
}
