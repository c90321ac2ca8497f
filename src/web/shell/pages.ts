/** The pages that the navigation names, in its order; `key`: the letter that goes there after `g`. */
export const pages = [
  { to: '/', label: 'Overview', key: 'o' },
  { to: '/cves', label: 'CVEs', key: 'c' },
  { to: '/kernels', label: 'Kernels', key: 'k' },
  { to: '/livepatches', label: 'Livepatches', key: 'l' },
  { to: '/hosts', label: 'Fleet', key: 'f' },
  { to: '/rollouts', label: 'Rollouts', key: 'u' },
  { to: '/reports', label: 'Kernel reports', key: 'r' },
  { to: '/builders', label: 'Builders and jobs', key: 'b' },
] as const;
