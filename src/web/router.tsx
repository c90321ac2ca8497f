import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { ApiError } from '#contract';
import { readWords, writeWords } from './parts/address.ts';
import { A } from './parts/link.tsx';
import { Empty, Failed, Loading, PageTitle } from './parts/states.tsx';
import { Shell } from './shell/shell.tsx';

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

const overview = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/overview.tsx'), 'Overview'),
});
const cves = createRoute({
  getParentRoute: () => root,
  path: '/cves',
  component: lazyRouteComponent(() => import('./pages/cves.tsx'), 'Cves'),
});
const cve = createRoute({
  getParentRoute: () => root,
  path: '/cves/$cve',
  component: lazyRouteComponent(() => import('./pages/cve.tsx'), 'Cve'),
});
const kernels = createRoute({
  getParentRoute: () => root,
  path: '/kernels',
  component: lazyRouteComponent(() => import('./pages/kernels.tsx'), 'Kernels'),
});
const kernel = createRoute({
  getParentRoute: () => root,
  path: '/kernels/$kernel',
  component: lazyRouteComponent(() => import('./pages/kernel.tsx'), 'Kernel'),
});
const livepatches = createRoute({
  getParentRoute: () => root,
  path: '/livepatches',
  component: lazyRouteComponent(() => import('./pages/livepatches.tsx'), 'Livepatches'),
});
const livepatch = createRoute({
  getParentRoute: () => root,
  path: '/livepatches/$id',
  component: lazyRouteComponent(() => import('./pages/livepatch.tsx'), 'Livepatch'),
});
const hosts = createRoute({
  getParentRoute: () => root,
  path: '/hosts',
  component: lazyRouteComponent(() => import('./pages/hosts.tsx'), 'Hosts'),
});
const host = createRoute({
  getParentRoute: () => root,
  path: '/hosts/$id',
  component: lazyRouteComponent(() => import('./pages/host.tsx'), 'Host'),
});
const rollouts = createRoute({
  getParentRoute: () => root,
  path: '/rollouts',
  component: lazyRouteComponent(() => import('./pages/rollouts.tsx'), 'Rollouts'),
});
const rollout = createRoute({
  getParentRoute: () => root,
  path: '/rollouts/$id',
  component: lazyRouteComponent(() => import('./pages/rollout.tsx'), 'RolloutPage'),
});
const reports = createRoute({
  getParentRoute: () => root,
  path: '/reports',
  component: lazyRouteComponent(() => import('./pages/reports.tsx'), 'Reports'),
});
const builders = createRoute({
  getParentRoute: () => root,
  path: '/builders',
  component: lazyRouteComponent(() => import('./pages/builders.tsx'), 'Builders'),
});
const job = createRoute({
  getParentRoute: () => root,
  path: '/builders/jobs/$id',
  component: lazyRouteComponent(() => import('./pages/job.tsx'), 'Job'),
});
const audit = createRoute({
  getParentRoute: () => root,
  path: '/audit',
  component: lazyRouteComponent(() => import('./pages/audit.tsx'), 'Audit'),
});

const routes = [
  overview,
  cves,
  cve,
  kernels,
  kernel,
  livepatches,
  livepatch,
  hosts,
  host,
  rollouts,
  rollout,
  reports,
  builders,
  job,
  audit,
] as const;

export const router = createRouter({
  routeTree: root.addChildren(routes),
  parseSearch: readWords,
  stringifySearch: writeWords,
  defaultPreload: 'intent',
  scrollRestoration: true,
  defaultPendingComponent: Loading,
  defaultErrorComponent: ({ error }) => (
    <Failed error={error instanceof Error ? error : new ApiError(0, 'page-failed', 'this page failed')} />
  ),
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

function NotFound() {
  return (
    <>
      <PageTitle name="Nothing here" />
      <Empty>
        There is no such page. <A to="/">To the overview</A>
      </Empty>
    </>
  );
}
