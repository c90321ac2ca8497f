import type { Command } from 'commander';
import { systemClock } from '#host';
import { type ProveOutcome, proveKernel } from '#pipeline';
import { needKernel } from '#store';
import type { Context } from '../context.ts';
import { warnStale } from '../staleness.ts';
import { inert, shorten, table, wholeNumber } from '../text.ts';
import { needCve, needCveId } from './cve-args.ts';
import { FIXES_HELP, fixesOf } from './fixes-args.ts';

const DEFAULT_MAX_OBJECTS = 64;

interface ProveFlags {
  readonly fixes?: string;
  readonly jobs?: number;
  readonly maxObjects: number;
}

/** `triage prove`: the rungs that read the source and compile. */
export function registerProve(triage: Command, context: Context): void {
  triage
    .command('prove')
    .description('hold fixes against the source of a built kernel, and compile what they change with and without them')
    .argument('[cve...]', 'CVE ids; all that affect the kernel, or may, when there is none')
    .option('--fixes <source>', FIXES_HELP)
    .option('-j, --jobs <n>', 'parallel compilations', wholeNumber)
    .option('--max-objects <n>', 'a fix that more objects read is not compiled', wholeNumber, DEFAULT_MAX_OBJECTS)
    .addHelpText(
      'after',
      '\nExamples:\n  tuxtape triage --kernel web prove --fixes /srv/fixes\n  tuxtape triage --kernel web prove CVE-2026-53352 --fixes /srv/linux.git',
    )
    .action((cves: string[], flags: ProveFlags) => {
      const { kernel } = triage.opts<{ kernel?: string }>();
      if (kernel === undefined) triage.error("error: required option '--kernel <name>' not specified");
      return prove(context, kernel, cves, flags);
    });
}

async function prove(context: Context, name: string, cves: readonly string[], flags: ProveFlags): Promise<void> {
  const config = await context.config();
  const store = await context.store();
  const kernel = await needKernel(store.db, name);
  const ids = cves.map(needCveId);
  for (const id of ids) await needCve(store, id);
  const fixes = await fixesOf(context, flags.fixes);
  const outcomes = await context.progress('holding fixes against the source', (step) =>
    proveKernel({
      store,
      kernel,
      fixes,
      cves: ids.length > 0 ? ids : undefined,
      jobs: flags.jobs ?? config.number('kernel.jobs'),
      maxObjects: flags.maxObjects,
      clock: systemClock,
      hostListSeconds: config.number('fleet.list-age'),
      signal: context.signal,
      onProgress: step,
    }),
  );
  await warnStale(context);
  context.print({ kernel: kernel.name, outcomes }, () => outcomesText(outcomes));
}

function outcomesText(outcomes: readonly ProveOutcome[]): string {
  if (outcomes.length === 0) return 'No CVE affects this kernel or may: there is nothing to prove.';
  const proved = outcomes.filter(({ proof }) => proof !== null);
  const rows = proved.map(({ cve, proof }) => [
    cve,
    proof!.source.outcome,
    proof!.object?.outcome ?? 'not compiled',
    shorten(inert(objectText(proof!.object)), 90),
  ]);
  const without = new Map<string, number>();
  for (const outcome of outcomes)
    if (outcome.proof === null) without.set(outcome.code, (without.get(outcome.code) ?? 0) + 1);
  return [
    rows.length === 0 ? 'No fix could be held against the source.' : table(['CVE', 'SOURCE', 'OBJECTS', 'WHAT'], rows),
    ...[...without].map(([code, count]) => `without a proof: ${count} ${code}`),
  ].join('\n');
}

function objectText(object: NonNullable<ProveOutcome['proof']>['object']): string {
  if (object === null) return '';
  if (object.why !== null) return object.why;
  return object.objects.map(({ object: name, changes }) => [name, changes.join(' ')].join(' ').trim()).join(', ');
}
