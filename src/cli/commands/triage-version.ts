import { type CveRecord, parseKernelVersion, type Verdict, type VerdictStatus } from '#domain';
import { allCves, searchCves } from '#store';
import { decide } from '#triage';
import type { Context } from '../context.ts';
import { warnStale } from '../staleness.ts';
import { inert, severityOrPrediction, shorten, table } from '../text.ts';

/** `6.1.0-40-amd64`, `5.15.0-91-generic`, `5.14.0-427.el9`: the number after the dash is of an ABI or a build, not stable. */
const ABI_NAME = /^\d+\.\d+\.0-\d/;

/**
 * Why no range can be held against this version, or null. A distribution that writes `.0-N` hides the stable release that
 * its kernel is made of; read as 6.1.0 it would be called affected by all that 6.1.170 has fixed, and free of what came later.
 */
export function undecidable(version: string, sourceVersion: string | undefined): string | null {
  const asked = sourceVersion ?? version;
  if (parseKernelVersion(asked) === undefined) return `"${asked}" is no kernel version`;
  if (!ABI_NAME.test(asked)) return null;
  return `"${asked}" is the ABI name of a distribution (Debian, Ubuntu, RHEL): it does not say which stable release is in it; give that with --source-version, or build the kernel's profile`;
}

export interface VersionFlags {
  readonly sourceVersion?: string;
  readonly status: VerdictStatus;
  readonly limit: number;
}

/** By its version alone, without a kernel: what the ranges say, in everyone's order. */
export async function triageVersion(context: Context, version: string, flags: VersionFlags): Promise<void> {
  const { sourceVersion, status, limit } = flags;
  const { db } = await context.store();
  const reason = undecidable(version, sourceVersion);
  const decideOne = reason === null ? byRanges(sourceVersion ?? version) : undecided(reason);
  const verdicts = new Map((await allCves(db)).map(({ record }) => [record.id, decideOne(record)]));
  const lines = await searchCves(db, { sort: 'priority', limit: 0 });
  await warnStale(context);
  const counts = Object.fromEntries(
    [...Map.groupBy(verdicts.values(), (verdict) => verdict.status)].map(([key, all]) => [key, all.length]),
  );
  const matching = lines.filter(({ id }) => verdicts.get(id)?.status === status);
  const shown = limit > 0 ? matching.slice(0, limit) : matching;
  const named = sourceVersion === undefined ? version : `${version} (made of ${sourceVersion})`;
  const result = { version, sourceVersion: sourceVersion ?? null, undecidable: reason, counts };
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
      ...(reason === null ? [] : [`NOT DECIDED: ${inert(reason)}.`]),
      `version ${inert(named)}, by ranges only: ${shown.length} of ${matching.length} ${status} shown`,
      Object.entries(counts)
        .map(([key, count]) => `${count} ${key.replaceAll('_', ' ')}`)
        .join(', '),
    ].join('\n'),
  );
}

function byRanges(version: string): (record: CveRecord) => Verdict {
  return (record) => decide(record, { version, arch: '', profile: null });
}

/** All of them: nothing is known of this kernel, so nothing is said of any CVE. */
function undecided(reason: string): (record: CveRecord) => Verdict {
  return ({ id }) => ({
    cve: id,
    status: 'under_investigation',
    justification: null,
    evidence: [{ rung: 'ranges', outcome: 'inconclusive', sentence: `${reason}.`, facts: {} }],
  });
}
