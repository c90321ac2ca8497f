import type { KernelReport } from './report.ts';

/** A report, the host that printed it, and when: any clock, one for all of them. */
export interface Sighting {
  readonly report: Pick<KernelReport, 'key' | 'kind' | 'severity' | 'title'>;
  readonly host: string;
  readonly at: number;
}

/** The same bug, wherever it was met. */
export interface ReportCluster {
  readonly key: string;
  readonly kind: KernelReport['kind'];
  readonly severity: KernelReport['severity'];
  readonly title: string;
  readonly count: number;
  readonly hosts: ReadonlySet<string>;
  readonly first: number;
  readonly last: number;
}

/** Sightings by key: one row for each bug, those of most hosts first. */
export function clusterReports(sightings: Iterable<Sighting>): readonly ReportCluster[] {
  const clusters = new Map<string, ReportCluster & { readonly hosts: Set<string> }>();
  for (const { report, host, at } of sightings) {
    const { key, kind, severity, title } = report;
    const seen = clusters.get(key);
    if (seen === undefined) {
      clusters.set(key, { key, kind, severity, title, count: 1, hosts: new Set([host]), first: at, last: at });
      continue;
    }
    seen.hosts.add(host);
    const { count, first, last } = seen;
    clusters.set(key, { ...seen, count: count + 1, first: Math.min(first, at), last: Math.max(last, at) });
  }
  return [...clusters.values()].toSorted((a, b) => b.hosts.size - a.hosts.size || a.first - b.first);
}
