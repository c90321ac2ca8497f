/**
 * Who may call a route. The first version listens on the loopback address and has no accounts: `local` is everybody there.
 * `builder`: whoever has the token of a builder.
 */
export type Access = 'local' | 'builder';

/** Every route of the API and who may call it. A route that is not here does not start (and fails a test). */
export const access: Readonly<Record<string, Access>> = {
  'GET /healthz': 'local',
  'GET /readyz': 'local',
  'GET /api/v1/openapi.json': 'local',
  'GET /api/v1/status': 'local',
  'GET /api/v1/cves/:cve/standing': 'local',
  'GET /api/v1/kernels': 'local',
  'GET /api/v1/kernels/:kernel/summary': 'local',
  'GET /api/v1/kernels/:kernel/verdicts': 'local',
  'GET /api/v1/overview': 'local',
  'GET /api/v1/cves': 'local',
  'GET /api/v1/cve-facets': 'local',
  'GET /api/v1/cves/:cve': 'local',
  'GET /api/v1/cves/:cve/history': 'local',
  'GET /api/v1/cves/:cve/kernels': 'local',
  'GET /api/v1/kernels/:kernel/map': 'local',
  'GET /api/v1/livepatches': 'local',
  'GET /api/v1/livepatches/:id': 'local',
  'GET /api/v1/livepatches/:id/patch': 'local',
  'GET /api/v1/jobs': 'local',
  'GET /api/v1/jobs/:id': 'local',
  'GET /api/v1/builders': 'local',
  'GET /api/v1/hosts': 'local',
  'GET /api/v1/hosts/:id': 'local',
  'GET /api/v1/fleet': 'local',
  'GET /api/v1/reports': 'local',
  'GET /api/v1/reports/:key/hosts': 'local',
  'POST /api/v1/builder/lease': 'builder',
  'POST /api/v1/builder/jobs/:id/beat': 'builder',
  'POST /api/v1/builder/jobs/:id/result': 'builder',
  'POST /api/v1/builder/jobs/:id/failure': 'builder',
  'POST /api/v1/builder/jobs/:id/return': 'builder',
};
