import type { VerdictStatus } from '#domain';
import { allCves, searchCves } from '#store';
import { decide } from '#triage';
import type { Context } from '../context.ts';
import { warnStale } from '../staleness.ts';
import { inert, severityOrPrediction, shorten, table } from '../text.ts';

/** By its version alone, without a kernel: what the ranges say, in everyone's order. */
export async function triageVersion(
  context: Context,
  version: string,
  { status, limit }: { readonly status: VerdictStatus; readonly limit: number },
): Promise<void> {
  const { db } = await context.store();
  const subject = { version, arch: '', profile: null };
  const verdicts = new Map((await allCves(db)).map(({ record }) => [record.id, decide(record, subject)]));
  const lines = await searchCves(db, { sort: 'priority', limit: 0 });
  await warnStale(context);
  const counts = Object.fromEntries(
    [...Map.groupBy(verdicts.values(), (verdict) => verdict.status)].map(([key, all]) => [key, all.length]),
  );
  const matching = lines.filter(({ id }) => verdicts.get(id)?.status === status);
  const shown = limit > 0 ? matching.slice(0, limit) : matching;
  context.print({ version, counts, verdicts: shown.map(({ id }) => verdicts.get(id)) }, () =>
    [
      table(
        ['CVE', 'SEVERITY', 'CLASS', 'TITLE', 'WHY'],
        shown.map((line) => [
          line.id,
          severityOrPrediction(line.score, line.predicted),
          line.class ?? '',
          shorten(inert(line.title), 50),
          shorten(inert(verdicts.get(line.id)?.evidence.at(-1)?.sentence ?? ''), 80),
        ]),
      ),
      '',
      `version ${version}, by ranges only: ${shown.length} of ${matching.length} ${status} shown`,
      Object.entries(counts)
        .map(([key, count]) => `${count} ${key.replaceAll('_', ' ')}`)
        .join(', '),
    ].join('\n'),
  );
}
