import type { HostDetail, HostLine, Report } from '#contract';
import type { FleetReport, HostEvent, HostRow } from '#store';

/** Characters of the detail of one event that are told. */
const MOST_DETAIL = 2_000;

export function hostLineView(row: HostRow, silentSince: Date): HostLine {
  const { id, name, group, ring, release, buildId, state, stateRelease, alarm, seenAt } = row;
  return {
    ...{ id, name, group, ring, release, buildId, state, stateRelease, alarm },
    flags: [...row.flags],
    seenAt: seenAt?.toISOString() ?? null,
    silent: seenAt === null || seenAt < silentSince,
  };
}

export interface HostParts {
  readonly row: HostRow;
  readonly silentSince: Date;
  readonly kernel: string | null;
  readonly events: readonly HostEvent[];
  readonly reports: readonly FleetReport[];
}

export function hostDetailView({ row, silentSince, kernel, events, reports }: HostParts): HostDetail {
  const { saidAt, bootId, uptimeSeconds, agent, level, arch, archiveError } = row;
  return {
    ...hostLineView(row, silentSince),
    ...{ kernel, saidAt, bootId, uptimeSeconds, agent, level, arch, archiveError },
    enrolledAt: row.enrolledAt.toISOString(),
    decommissionedAt: row.decommissionedAt?.toISOString() ?? null,
    labels: { ...row.labels },
    stateSince: row.stateSince?.toISOString() ?? null,
    events: events.map(({ at, kind, detail }) => {
      return { at: at.toISOString(), kind, detail: JSON.stringify(detail).slice(0, MOST_DETAIL) };
    }),
    reports: reports.map(reportView),
  };
}

export function reportView({ firstAt, lastAt, ...report }: FleetReport): Report {
  return { ...report, firstAt: firstAt.toISOString(), lastAt: lastAt.toISOString() };
}
