import { resolve } from 'node:path';
import type { Command } from 'commander';
import { exportArchive, importArchive, pushArchive, readBucket, S3Bucket } from '#archive';
import { readLimited, systemClock } from '#host';
import type { Context } from '../../context.ts';
import { wholeNumber } from '../../text.ts';
import { type KeyFlags, placeOf, withKeys } from './place.ts';

const MAX_ROOT_BYTES = 1 << 20;

interface ExportFlags extends KeyFlags {
  readonly output: string;
  readonly days?: number;
}

/** To where no network leads. */
export function registerArchiveCarry(archive: Command, context: Context): void {
  withKeys(
    archive
      .command('export')
      .description('write an archive as one signed file, for a site without a network')
      .argument('<dir>', 'the archive')
      .requiredOption('--output <file>', 'the file'),
  )
    .option('--days <n>', 'how long hosts there believe it without a newer one (default: as here, a day)', wholeNumber)
    .addHelpText(
      'after',
      '\nExample:\n  tuxtape archive export /srv/archive --keys /srv/keys --output archive.tuxtape --days 30',
    )
    .action(async (directory: string, flags: ExportFlags) => {
      const file = resolve(flags.output);
      const done = await exportArchive(await placeOf(directory, flags), file, flags.days ?? null);
      context.print({ file, ...done }, () => `wrote ${done.files} files (${done.bytes} bytes) to ${file}`);
    });
  archive
    .command('import')
    .description(
      'take such a file into an archive that is served here; verified as a host would, before anything changes',
    )
    .argument('<file>', 'the file')
    .argument('<dir>', 'the archive')
    .option('--root <file>', 'the root to trust, the first time: handed over by a way of its own')
    .action(async (file: string, directory: string, { root }: { root?: string }) => {
      const given = root === undefined ? null : await readLimited(resolve(root), MAX_ROOT_BYTES);
      const place = { directory: resolve(directory), clock: systemClock };
      const done = await importArchive(place, resolve(file), given);
      context.print(
        done,
        () =>
          `took ${done.added} files of what was exported ${done.made}: ${done.releases} releases of ${done.kernels} kernels, good until ${done.expires}`,
      );
    });
  archive
    .command('push')
    .description('bring a bucket of an S3-compatible store to what the archive is')
    .argument('<dir>', 'the archive')
    .requiredOption('--bucket <file>', 'where the bucket is (docs/reference/archive.md)')
    .option('--prune', 'delete there what no host can ask for any more')
    .action(async (directory: string, { bucket, prune }: { bucket: string; prune?: boolean }) => {
      const { place, credentials } = await readBucket(resolve(bucket));
      const store = new S3Bucket(place, credentials, systemClock);
      const from = { directory: resolve(directory), clock: systemClock };
      const done = await pushArchive(from, store, { prune: prune === true });
      context.print(
        { bucket: place.bucket, ...done },
        () => `sent ${done.sent} files (${done.bytes} bytes) to ${place.bucket}, deleted ${done.removed}`,
      );
    });
}
