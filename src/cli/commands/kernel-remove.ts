import type { Command } from 'commander';
import { systemClock } from '#host';
import { kernelTrees, rankDue, removeKernelAndTree } from '#pipeline';
import type { Context } from '../context.ts';
import { inert } from '../text.ts';
import { author } from './person.ts';

interface RemoveFlags {
  readonly withLivepatches?: boolean;
  readonly by?: string;
}

/** `kernel remove`. */
export function registerKernelRemove(kernel: Command, context: Context): void {
  kernel
    .command('remove')
    .description('forget a kernel: its profile, verdicts, proofs, host lists, and its tree where that is ours')
    .argument('<name>', 'name, id or build-id')
    .option('--with-livepatches', 'also the livepatches that were built for it; published ones stay published')
    .option('--by <name>', 'who; default: the user of this session')
    .addHelpText(
      'after',
      '\nA build tree that was imported without --copy is not touched.\n\nExample:\n  tuxtape kernel remove web',
    )
    .action((name: string, flags: RemoveFlags) => remove(context, name, flags));
}

async function remove(context: Context, name: string, flags: RemoveFlags): Promise<void> {
  const store = await context.store();
  const trees = kernelTrees(await context.config());
  const withLivepatches = flags.withLivepatches === true;
  const by = author(flags.by);
  const removed = await removeKernelAndTree({ store, trees, name, withLivepatches, by, clock: systemClock });
  await rankDue({ store, clock: systemClock });
  const { kernel, livepatches, overrides, deleted, kept } = removed;
  context.print(removed, () =>
    [
      `removed kernel "${kernel.name}", with its verdicts`,
      ...(livepatches.length > 0 ? [`removed ${livepatches.length} livepatches`] : []),
      ...(overrides > 0 ? [`${overrides} overrides of people went with it; the audit keeps their words`] : []),
      ...deleted.map((path) => `deleted ${inert(path)}`),
      ...kept.map((path) => `kept ${inert(path)}: another kernel uses it, or it is yours`),
    ].join('\n'),
  );
}
