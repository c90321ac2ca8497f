/**
 * The arrow table: which folder of `src/` may import which. It is the single source of the tsconfig files
 * (`tools/tsconfigs.ts` writes them) and of the direct-arrow check in `test/tidy.test.ts`.
 * Arrows point down only: apps > joint > stages > ground.
 */
const ground = ['domain', 'host'] as const;

export const arrows: Record<string, readonly string[]> = {
  // ground
  domain: [],
  host: ['domain'],
  config: ['domain', 'host'],
  // stages
  contract: ['domain'],
  identity: ground,
  feed: ground,
  klog: ['domain'],
  kernel: ground,
  patch: [...ground, 'kernel'],
  triage: [...ground, 'kernel', 'patch'],
  livepatch: [...ground, 'kernel', 'patch', 'klog'],
  trust: ground,
  archive: [...ground, 'trust'],
  rollout: ['domain'],
  reboot: ground,
  store: ground,
  // joint
  pipeline: [
    ...ground,
    'config',
    'contract',
    'feed',
    'triage',
    'kernel',
    'patch',
    'livepatch',
    'klog',
    'archive',
    'rollout',
    'store',
  ],
  // apps
  builder: [...ground, 'config', 'contract', 'store', 'pipeline'],
  server: [...ground, 'config', 'contract', 'identity', 'store', 'pipeline'],
  agent: [...ground, 'klog', 'trust'],
  'tuf-client': [...ground, 'trust'],
  'reboot-host': [...ground, 'reboot'],
  cli: [
    ...ground,
    'config',
    'contract',
    'identity',
    'feed',
    'triage',
    'kernel',
    'patch',
    'livepatch',
    'klog',
    'archive',
    'rollout',
    'store',
    'pipeline',
  ],
  web: ['domain', 'contract'],
};

/** Folders that must run anywhere: no Node types, no DOM. */
export const pure: ReadonlySet<string> = new Set(['domain', 'klog', 'contract', 'rollout']);

/** Folders that run in a browser. */
export const browser: ReadonlySet<string> = new Set(['web']);
