/** Who may call a route. The first version listens on the loopback address and has no accounts: everything is `local`. */
export type Access = 'local';

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
};
