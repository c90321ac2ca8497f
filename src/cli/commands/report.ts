import { resolve } from 'node:path';
import type { Command } from 'commander';
import { writeReport } from '#pipeline';
import type { Context } from '../context.ts';
import { warnStale } from '../staleness.ts';
import { registerTimes } from './report-times.ts';

export function registerReport(program: Command, context: Context): void {
  const report = program
    .command('report')
    .description('plots of the feed as SVG, each with its table as CSV: CVEs per month, scored share, classes, reach')
    .option('--output <dir>', 'folder to write into', 'report')
    .addHelpText('after', '\nExample:\n  tuxtape report --output /srv/report')
    .action(async ({ output }: { output: string }) => {
      const { db } = await context.store();
      await warnStale(context);
      const files = await writeReport(db, resolve(output));
      context.print({ files }, () => files.join('\n'));
    });
  registerTimes(report, context);
}
