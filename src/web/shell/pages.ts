interface Page {
  readonly to:
    | '/'
    | '/cves'
    | '/kernels'
    | '/livepatches'
    | '/hosts'
    | '/rollouts'
    | '/reports'
    | '/builders'
    | '/audit';
  readonly label: string;
  readonly key: string;
  readonly admin?: true;
}

/** The pages that the navigation names, in its order; `key`: the letter that goes there after `g`; `admin`: only administrators may read it. */
export const pages: readonly Page[] = [
  { to: '/', label: 'Overview', key: 'o' },
  { to: '/cves', label: 'CVEs', key: 'c' },
  { to: '/kernels', label: 'Kernels', key: 'k' },
  { to: '/livepatches', label: 'Livepatches', key: 'l' },
  { to: '/hosts', label: 'Fleet', key: 'f' },
  { to: '/rollouts', label: 'Rollouts', key: 'u' },
  { to: '/reports', label: 'Kernel reports', key: 'r' },
  { to: '/builders', label: 'Builders and jobs', key: 'b' },
  { to: '/audit', label: 'Audit log', key: 'a', admin: true },
];
