import { type Verdict, type VerdictStatus, verdictStatuses, versionSpan } from '#domain';
import { allCves, searchCves } from '#store';
import { decide } from '#triage';
import type { Context } from '../context.ts';
import { CliError } from '../error.ts';
import { warnStale } from '../staleness.ts';
import { inert, severityOrPrediction, shorten, table } from '../text.ts';

/**
 * What the version does not say, for people; null where it names one source. Ranges decide at the worst of what it may be.
 * Errors: version-invalid.
 */
function hidden(version: string): string | null {
  const span = versionSpan(version);
  if (span !== undefined) return span.why === null ? null : `"${version}" ${span.why}`;
  throw new CliError('version-invalid', 'input', {
    what: `${JSON.stringify(version)} is no kernel version`,
    remedy: 'begin it with the numbers, as 6.12.95, 6.17-rc3 or what uname -r says: 6.1.0-40-amd64',
  });
}

/** Those that there are, in the order of all summaries. */
function countsOf(verdicts: readonly Verdict[]): Record<string, number> {
  const found = Map.groupBy(verdicts, ({ status }) => status);
  const present = verdictStatuses.filter((status) => found.has(status));
  return Object.fromEntries(present.map((status) => [status, found.get(status)?.length ?? 0]));
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
  const asked = sourceVersion ?? version;
  const [reason] = [hidden(asked), hidden(version)];
  const { db } = await context.store();
  const subject = { version: asked, arch: '', profile: null };
  const verdicts = new Map((await allCves(db)).map(({ record }) => [record.id, decide(record, subject)]));
  const lines = await searchCves(db, { sort: 'priority', limit: 0 });
  await warnStale(context);
  const counts = countsOf([...verdicts.values()]);
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
