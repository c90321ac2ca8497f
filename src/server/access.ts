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
  'POST /api/v1/builder/lease': 'builder',
  'POST /api/v1/builder/jobs/:id/beat': 'builder',
  'POST /api/v1/builder/jobs/:id/result': 'builder',
  'POST /api/v1/builder/jobs/:id/failure': 'builder',
  'POST /api/v1/builder/jobs/:id/return': 'builder',
};
