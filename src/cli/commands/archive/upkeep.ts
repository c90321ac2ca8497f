import { resolve } from 'node:path';
import type { Command } from 'commander';
import { archiveStatus, collectGarbage, type Expiry, GRACE_HOURS, refreshArchive, verifyArchive } from '#archive';
import { readLimited, systemClock } from '#host';
import type { Context } from '../../context.ts';
import { exitCodes } from '../../exit-codes.ts';
import { table, wholeNumber } from '../../text.ts';
import { type KeyFlags, placeOf, withKeys } from './place.ts';

const MAX_ROOT_BYTES = 1 << 20;

interface CollectFlags {
  readonly graceHours: number;
  readonly dryRun?: boolean;
}

/** What a timer runs, and what a person looks at. */
export function registerArchiveUpkeep(archive: Command, context: Context): void {
  withKeys(
    archive
      .command('refresh')
      .description('sign the timestamp anew, and what else is half over; run it every hour')
      .argument('<dir>', 'the archive'),
  ).action(async (directory: string, flags: KeyFlags) => {
    const done = await refreshArchive(await placeOf(directory, flags));
    for (const { role, why } of done.skipped)
      process.stderr.write(`tuxtape: WARNING: ${role} is half over and was not renewed: ${why}\n`);
    context.print(done, () =>
      [
        `signed the timestamp${done.snapshot ? ' and the snapshot' : ''} anew`,
        ...(done.adopted.length > 0 ? [`took up ${done.adopted.length} roles that were signed and not listed`] : []),
        ...(done.renewed.length > 0 ? [`renewed ${done.renewed.length} roles that were half over`] : []),
      ].join('\n'),
    );
  });
  archive
    .command('status')
    .description('when each signature ends; ends with 10 where one is due, 11 where one has expired')
    .argument('<dir>', 'the archive')
    .action((directory: string) => status(context, directory));
  archive
    .command('collect')
    .description('remove files that no host can ask for any more')
    .argument('<dir>', 'the archive')
    .option('--grace-hours <n>', 'how long a file stays after its last snapshot expired', wholeNumber, GRACE_HOURS)
    .option('--dry-run', 'only say what would go')
    .action(async (directory: string, flags: CollectFlags) => {
      const place = { directory: resolve(directory), clock: systemClock };
      const { graceHours, dryRun = false } = flags;
      const done = await collectGarbage(place, { graceHours, dryRun });
      const verb = dryRun ? 'would remove' : 'removed';
      context.print(done, () => `${verb} ${done.removed.length} files (${done.bytes} bytes), kept ${done.kept}`);
    });
  archive
    .command('verify')
    .description('look at every file as a host would, from the first root on')
    .argument('<dir>', 'the archive')
    .option('--root <file>', 'the root that hosts were given (default: the first of the archive)')
    .action(async (directory: string, { root }: { root?: string }) => {
      const given = root === undefined ? undefined : await readLimited(resolve(root), MAX_ROOT_BYTES);
      const found = await verifyArchive(resolve(directory), systemClock, given);
      context.print(
        found,
        () =>
          `hosts would believe all of it: ${found.targets} files (${found.bytes} bytes), ${found.releases} releases of ${found.kernels} kernels; good until ${found.expires}`,
      );
    });
}

async function status(context: Context, directory: string): Promise<void> {
  const found = await archiveStatus(resolve(directory), systemClock);
  if (found.worst !== 'fine') process.exitCode = exitCodes[found.worst === 'due' ? 'archiveDue' : 'archiveExpired'];
  context.print(found, () => {
    const rows = found.roles.map((one) => [
      one.role,
      one.expires,
      left(one),
      one.urgency === 'fine' ? '' : one.urgency.toUpperCase(),
      `${one.by} (${one.threshold} of ${one.keys} keys)`,
    ]);
    return table(['ROLE', 'EXPIRES', 'LEFT', '', 'SIGNED BY'], rows);
  });
}

function left({ secondsLeft }: Expiry): string {
  const hours = Math.floor(Math.abs(secondsLeft) / 3_600);
  const words =
    hours >= 72
      ? `${Math.floor(hours / 24)} days`
      : `${hours} h ${Math.floor((Math.abs(secondsLeft) % 3_600) / 60)} min`;
  return secondsLeft < 0 ? `${words} ago` : words;
}
