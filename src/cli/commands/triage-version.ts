import { type VerdictStatus, versionSpan } from '#domain';
import { allCves, searchCves } from '#store';
import { decide } from '#triage';
import type { Context } from '../context.ts';
import { warnStale } from '../staleness.ts';
import { inert, severityOrPrediction, shorten, table } from '../text.ts';

/** What the version does not say, for people; null where it names one source. Ranges decide at the worst of what it may be. */
function hidden(version: string): string | null {
  const span = versionSpan(version);
  if (span === undefined) return `"${version}" is no kernel version`;
  return span.why === null ? null : `"${version}" ${span.why}`;
}

const REMEDY =
  '; what that leaves open is under investigation: give the stable release it is made of with --source-version';

export interface VersionFlags {
  readonly sourceVersion?: string;
  readonly status: VerdictStatus;
  readonly limit: number;
}

/** By its version alone, without a kernel: what the ranges say, in everyone's order. */
export async function triageVersion(context: Context, version: string, flags: VersionFlags): Promise<void> {
  const { sourceVersion, status, limit } = flags;
  const { db } = await context.store();
  const asked = sourceVersion ?? version;
  const reason = hidden(asked);
  const subject = { version: asked, arch: '', profile: null };
  const verdicts = new Map((await allCves(db)).map(({ record }) => [record.id, decide(record, subject)]));
  const lines = await searchCves(db, { sort: 'priority', limit: 0 });
  await warnStale(context);
  const counts = Object.fromEntries(
    [...Map.groupBy(verdicts.values(), (verdict) => verdict.status)].map(([key, all]) => [key, all.length]),
  );
  const matching = lines.filter(({ id }) => verdicts.get(id)?.status === status);
  const shown = limit > 0 ? matching.slice(0, limit) : matching;
  const named = sourceVersion === undefined ? version : `${version} (made of ${sourceVersion})`;
  const result = { version, sourceVersion: sourceVersion ?? null, hidden: reason, counts };
  context.print({ ...result, verdicts: shown.map(({ id }) => verdicts.get(id)) }, () =>
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
      ...(reason === null ? [] : [`NOTE: ${inert(reason)}${REMEDY}.`]),
      `version ${inert(named)}, by ranges only: ${shown.length} of ${matching.length} ${status} shown`,
      Object.entries(counts)
        .map(([key, count]) => `${count} ${key.replaceAll('_', ' ')}`)
        .join(', '),
    ].join('\n'),
  );
}
