import { type Get, jsonReader } from '../client.ts';
import type { AuditCheck, AuditPage, AuditQuery } from '../cves.ts';
import type {
  CveDetail,
  CveFacetsView,
  CveFilterQuery,
  CveHistory,
  CveKernels,
  CveRowPage,
  CveRowQuery,
} from './cves.ts';
import type { FleetSummary, HostDetail, HostPage, HostQuery, ReportHosts, ReportPage, ReportQuery } from './fleet.ts';
import type { Builders, JobDetail, JobPage, JobQuery } from './jobs.ts';
import type { LivepatchDetail, LivepatchPage, LivepatchPatch, LivepatchQuery } from './livepatches.ts';
import type { KernelMapView, Overview } from './overview.ts';
import type { Rollout, RolloutDetail } from './rollouts.ts';

/** Everything that pages read. */
export interface Reader {
  overview(): Promise<Overview>;
  cveRows(query: CveRowQuery): Promise<CveRowPage>;
  cveFacets(query: CveFilterQuery): Promise<CveFacetsView>;
  cveRecord(cve: string): Promise<CveDetail>;
  cveHistory(cve: string): Promise<CveHistory>;
  cveKernels(cve: string): Promise<CveKernels>;
  kernelMap(kernel: string): Promise<KernelMapView>;
  livepatches(query: LivepatchQuery): Promise<LivepatchPage>;
  livepatch(id: string): Promise<LivepatchDetail>;
  livepatchPatch(id: string): Promise<LivepatchPatch>;
  jobs(query: JobQuery): Promise<JobPage>;
  job(id: string): Promise<JobDetail>;
  builders(): Promise<Builders>;
  hosts(query: HostQuery): Promise<HostPage>;
  host(id: string): Promise<HostDetail>;
  fleet(): Promise<FleetSummary>;
  rollouts(): Promise<Rollout[]>;
  rollout(id: string): Promise<RolloutDetail>;
  reports(query: ReportQuery): Promise<ReportPage>;
  reportHosts(key: string): Promise<ReportHosts>;
  audit(query: AuditQuery): Promise<AuditPage>;
  auditCheck(): Promise<AuditCheck>;
}

/** A typed client of what pages read. */
export function createReader(get: Get, base: string): Reader {
  const read = jsonReader(get, base);
  const one = (text: string): string => encodeURIComponent(text);
  return {
    overview: () => read('/overview'),
    cveRows: (query) => read(`/cve-lines${asked(query)}`),
    cveFacets: (query) => read(`/cve-facets${asked(query)}`),
    cveRecord: (cve) => read(`/cves/${one(cve)}/record`),
    cveHistory: (cve) => read(`/cves/${one(cve)}/history`),
    cveKernels: (cve) => read(`/cves/${one(cve)}/kernels`),
    kernelMap: (kernel) => read(`/kernels/${one(kernel)}/map`),
    livepatches: (query) => read(`/livepatches${asked(query)}`),
    livepatch: (id) => read(`/livepatches/${one(id)}`),
    livepatchPatch: (id) => read(`/livepatches/${one(id)}/patch`),
    jobs: (query) => read(`/jobs${asked(query)}`),
    job: (id) => read(`/jobs/${one(id)}`),
    builders: () => read('/builders'),
    hosts: (query) => read(`/hosts${asked(query)}`),
    host: (id) => read(`/hosts/${one(id)}`),
    fleet: () => read('/fleet'),
    rollouts: () => read('/rollouts'),
    rollout: (id) => read(`/rollouts/${one(id)}`),
    reports: (query) => read(`/reports${asked(query)}`),
    reportHosts: (key) => read(`/reports/${one(key)}/hosts`),
    audit: (query) => read(`/audit${asked(query as Record<string, string>)}`),
    auditCheck: () => read('/audit/check'),
  };
}

function asked(query: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const words = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return words.length === 0 ? '' : `?${words.join('&')}`;
}
