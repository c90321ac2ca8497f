import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { type ArchivePlace, initArchive, refreshArchive, showArchive } from '#archive';
import type { ReleaseApproval } from '#domain';
import { systemClock } from '#host';
import { publish, subscribe } from '#pipeline';
import type { Context } from '../context.ts';
import { inert, shortId, table } from '../text.ts';
import { author } from './person.ts';

interface PublishFlags extends PlaceOptions {
  readonly withoutApproval?: string;
  readonly by?: string;
}

interface PlaceOptions {
  readonly archive: string;
  readonly keys: string;
}

function placeOf(directory: string, keys: string): ArchivePlace {
  return { directory: resolve(directory), keys: resolve(keys), clock: systemClock };
}

export function registerArchive(program: Command, context: Context): void {
  const archive = program.command('archive').description('the signed archive agents load from');
  archive
    .command('init')
    .description('make an empty archive and the keys of its roles')
    .argument('<dir>', 'folder of static files, to be served')
    .requiredOption('--keys <dir>', 'folder for the keys, never to be served')
    .addHelpText('after', '\nExample:\n  tuxtape archive init /srv/archive --keys /srv/keys')
    .action((directory: string, { keys }: { keys: string }) => init(context, placeOf(directory, keys)));
  archive
    .command('subscribe')
    .description('open an empty index for a kernel, before its first livepatch')
    .argument('<kernel>', 'name, id or build-id')
    .requiredOption('--archive <dir>', 'the archive')
    .requiredOption('--keys <dir>', 'its keys')
    .action((kernel: string, options: PlaceOptions) =>
      subscribeOne(context, kernel, placeOf(options.archive, options.keys)),
    );
  archive
    .command('publish')
    .description('publish a proved and approved livepatch as the next release of its kernel')
    .argument('<livepatch>', 'id or module name')
    .requiredOption('--archive <dir>', 'the archive')
    .requiredOption('--keys <dir>', 'its keys')
    .option('--without-approval <reason>', 'publish what people did not approve; the reason stands in the release')
    .option('--by <who>', 'who publishes (default: the user of this session)')
    .addHelpText('after', '\nExample:\n  tuxtape archive publish ID --archive /srv/archive --keys /srv/keys')
    .action((livepatch: string, flags: PublishFlags) => publishOne(context, livepatch, flags));
  archive
    .command('refresh')
    .description('sign snapshot and timestamp anew; run it daily, before they expire')
    .argument('<dir>', 'the archive')
    .requiredOption('--keys <dir>', 'its keys')
    .action(async (directory: string, { keys }: { keys: string }) => {
      await refreshArchive(placeOf(directory, keys));
      await show(context, directory);
    });
  archive
    .command('show')
    .description('what is in an archive')
    .argument('<dir>', 'the archive')
    .action((directory: string) => show(context, directory));
}

async function init(context: Context, place: ArchivePlace): Promise<void> {
  await initArchive(place);
  const root = join(place.directory, 'root.json');
  context.print(
    { ...place, root },
    () =>
      `made an archive in ${place.directory}\nkeys are in ${place.keys}: keep them off the server\ngive hosts ${root}: it is all they trust`,
  );
}

async function subscribeOne(context: Context, kernel: string, place: ArchivePlace): Promise<void> {
  const index = await subscribe(await context.store(), place, kernel);
  context.print(
    index,
    () =>
      `kernel ${index.kernelRelease} (build-id ${index.buildId.slice(0, 12)}) is served; ${index.releases.length} releases`,
  );
}

async function publishOne(context: Context, livepatch: string, flags: PublishFlags): Promise<void> {
  const release = await publish({
    store: await context.store(),
    place: placeOf(flags.archive, flags.keys),
    livepatch,
    by: author(flags.by),
    withoutApproval: flags.withoutApproval ?? null,
  });
  const words = approvedBy(release.approval);
  if (flags.withoutApproval !== undefined) process.stderr.write(`tuxtape: WARNING: ${words}\n`);
  context.print(
    release,
    () =>
      `published ${release.moduleName} as release ${release.number} for build-id ${release.buildId.slice(0, 12)}\n${words}`,
  );
}

/** On whose word a release went out; releases of older programs do not say. */
function approvedBy(approval: ReleaseApproval | undefined): string {
  if (approval === undefined) return 'approval not recorded';
  if ('without' in approval) return `published WITHOUT APPROVAL by ${inert(approval.by)}: ${inert(approval.without)}`;
  return `approved by ${approval.reviewers.map(inert).join(', ')}`;
}

async function show(context: Context, directory: string): Promise<void> {
  const view = await showArchive(resolve(directory));
  context.print(view, () => {
    const rows = view.kernels.flatMap(({ kernelRelease, buildId, releases }) =>
      releases.length === 0
        ? [[kernelRelease, shortId(buildId), '(none yet)', '', '', '']]
        : releases.map((release) => [
            kernelRelease,
            shortId(buildId),
            String(release.number),
            release.moduleName,
            release.cves.join(' ') || '(none)',
            approvedBy(release.approval),
          ]),
    );
    const head = `timestamp expires ${view.timestampExpires}, snapshot ${view.snapshotExpires}; ${view.targets} files in ${view.bins} bins`;
    return `${head}\n${table(['KERNEL', 'BUILD-ID', 'RELEASE', 'MODULE', 'CVES', 'APPROVAL'], rows)}`;
  });
}
