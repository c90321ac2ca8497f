import { type Role, roles } from '#domain';

/**
 * Who may call a route. `anyone`: nobody is asked who they are. `visitor`: also without a login. `account`: whoever logged in or has a token, with or without a role.
 * `itself`: the route asks for credentials of its own kind, as builders and hosts have them. Else one of the roles, held for what
 * the request is about: `any` small part of the installation, `all` of it, or the kernel that the address names.
 */
export type Access =
  | { readonly who: 'anyone' | 'visitor' | 'account' | 'itself' }
  | { readonly who: readonly Role[]; readonly on: 'any' | 'all' | 'kernel' };

const anyone: Access = { who: 'anyone' };
const visitor: Access = { who: 'visitor' };
const account: Access = { who: 'account' };
const builder: Access = { who: 'itself' };

function read(on: 'any' | 'all' | 'kernel'): Access {
  return { who: roles, on };
}

function only(who: readonly Role[], on: 'all' | 'kernel' = 'all'): Access {
  return { who, on };
}

/** Every route and who may call it. A route that is not here does not start; `make check` starts them all. */
export const access: Readonly<Record<string, Access>> = {
  'GET /*': anyone, // the page itself: static files
  'GET /healthz': anyone,
  'GET /readyz': anyone,
  'GET /api/v1/openapi.json': anyone,
  'GET /api/v1/session': visitor,
  'POST /api/v1/session': visitor,
  'GET /api/v1/session/oidc': visitor, // only with a provider
  'GET /api/v1/session/oidc/callback': visitor,
  'DELETE /api/v1/session': account,
  'PUT /api/v1/session/password': account,
  'GET /api/v1/tokens': account,
  'POST /api/v1/tokens': account,
  'DELETE /api/v1/tokens/:id': account,
  'GET /api/v1/accounts': only(['admin']),
  'POST /api/v1/accounts': only(['admin']),
  'PUT /api/v1/accounts/:name/grants': only(['admin']),
  'POST /api/v1/accounts/:name/disable': only(['admin']),
  'GET /api/v1/audit': only(['admin']),
  'GET /api/v1/audit/check': only(['admin']),
  'GET /api/v1/status': read('any'),
  'GET /metrics': read('any'),
  'GET /api/v1/events': read('any'),
  'GET /api/v1/cves': read('any'),
  'GET /api/v1/cves/:cve': read('any'),
  'GET /api/v1/cves/:cve/standing': read('any'),
  'POST /api/v1/cves/:cve/notes': only(['author', 'reviewer', 'release-manager']),
  'POST /api/v1/cves/:cve/decisions': only(['reviewer', 'release-manager']),
  'POST /api/v1/decisions/:id/revoke': only(['reviewer', 'release-manager']),
  'GET /api/v1/kernels': read('any'),
  'GET /api/v1/kernels/:kernel': read('kernel'),
  'GET /api/v1/kernels/:kernel/holds': read('kernel'),
  'PUT /api/v1/kernels/:kernel/holds/:cve': only(['author', 'reviewer', 'release-manager'], 'kernel'),
  'DELETE /api/v1/kernels/:kernel/holds/:cve': only(['reviewer', 'release-manager'], 'kernel'),
  'GET /api/v1/kernels/:kernel/summary': read('kernel'),
  'GET /api/v1/kernels/:kernel/verdicts': read('kernel'),
  'GET /api/v1/cve-lines': read('any'),
  'GET /api/v1/cve-facets': read('any'),
  'GET /api/v1/cves/:cve/record': read('any'),
  'GET /api/v1/cves/:cve/history': read('any'),
  'GET /api/v1/cves/:cve/kernels': read('all'),
  'GET /api/v1/kernels/:kernel/map': read('kernel'),
  'GET /api/v1/overview': read('all'),
  'GET /api/v1/livepatches': read('all'),
  'GET /api/v1/livepatches/:id': read('all'),
  'GET /api/v1/livepatches/:id/patch': read('all'),
  'GET /api/v1/jobs': read('all'),
  'GET /api/v1/jobs/:id': read('all'),
  'GET /api/v1/builders': read('all'),
  'GET /api/v1/hosts': read('all'),
  'GET /api/v1/hosts/:id': read('all'),
  'GET /api/v1/fleet': read('all'),
  'GET /api/v1/rollouts': read('all'),
  'GET /api/v1/rollouts/:id': read('all'),
  'POST /api/v1/rollouts/:id/stop': only(['author', 'reviewer', 'release-manager']), // stopping needs the fewest words
  'POST /api/v1/rollouts/:id/resume': only(['release-manager']),
  'POST /api/v1/rollouts/:id/holds': only(['reviewer', 'release-manager']),
  'GET /api/v1/reports': read('all'),
  'GET /api/v1/reports/:key/hosts': read('all'),
  'POST /api/v1/builder/lease': builder,
  'POST /api/v1/builder/jobs/:id/beat': builder,
  'POST /api/v1/builder/jobs/:id/result': builder,
  'POST /api/v1/builder/jobs/:id/failure': builder,
  'POST /api/v1/builder/jobs/:id/return': builder,
};
