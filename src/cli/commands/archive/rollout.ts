import { resolve } from 'node:path';
import type { Command } from 'commander';
import { readRollout, setRollout } from '#archive';
import type { RolloutChoice } from '#domain';
import { archiveBuildId } from '#pipeline';
import type { Context } from '../../context.ts';
import { inert, wholeNumber } from '../../text.ts';
import { type PlaceFlags, placeOf, withKeys } from './place.ts';

interface RolloutFlags extends PlaceFlags {
  readonly release?: number;
  readonly newest?: boolean;
  readonly share?: number;
  readonly soak?: number;
  readonly halt?: string;
  readonly resume?: boolean;
}

/** By hand what a server does with the online key: where there is none, or where it must be stopped. */
export function registerArchiveRollout(archive: Command, context: Context): void {
  withKeys(
    archive
      .command('rollout')
      .description('halt, resume or steer how a release spreads, with the online key; what is not given stays')
      .argument('<kernel>', 'name or id; or a whole build-id, then no database is asked')
      .requiredOption('--archive <dir>', 'the archive'),
  )
    .option('--halt <reason>', 'load nothing new')
    .option('--resume', 'go on')
    .option('--release <n>', 'the release to go to', wholeNumber)
    .option('--newest', 'go to the newest')
    .option('--share <percent>', 'hosts that may have it by now', wholeNumber)
    .option('--soak <seconds>', 'how long a host watches a load', wholeNumber)
    .addHelpText(
      'after',
      "\nExample:\n  tuxtape archive rollout web --halt 'two hosts oopsed' --archive /srv/archive --keys /srv/keys",
    )
    .action(async (kernel: string, flags: RolloutFlags) => {
      const buildId = await archiveBuildId(() => context.store(), kernel);
      const choice = nextChoice(await readRollout(resolve(flags.archive), buildId), buildId, flags);
      await setRollout(await placeOf(flags.archive, flags), choice);
      context.print(choice, () => words(choice));
    });
}

function nextChoice(last: RolloutChoice | undefined, buildId: string, flags: RolloutFlags): RolloutChoice {
  const before = last ?? { serial: 0, release: null, halted: null, sharePercent: 100, soakSeconds: 0 };
  return {
    version: 1,
    buildId,
    serial: before.serial + 1,
    release: flags.newest === true ? null : (flags.release ?? before.release),
    halted: flags.resume === true ? null : (flags.halt ?? before.halted),
    sharePercent: flags.share ?? before.sharePercent,
    soakSeconds: flags.soak ?? before.soakSeconds,
  };
}

/** What the online key says, for a person. */
export function words(choice: RolloutChoice): string {
  if (choice.halted !== null) return `rollout: HALTED: ${inert(choice.halted)}`;
  const which = choice.release === null ? 'the newest release' : `release ${choice.release}`;
  return `rollout: ${which} for ${choice.sharePercent} % of the hosts, soak ${choice.soakSeconds} s`;
}
