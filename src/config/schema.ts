import { cpus } from 'node:os';
import { defaultDataDirectory } from '#host';

/** Types a configuration value can have. `path` is made absolute; `seconds` is a number greater than zero. */
export type KeyType = 'string' | 'path' | 'url-or-path' | 'integer' | 'seconds' | 'boolean' | 'log-level';

export interface KeySchema {
  readonly type: KeyType;
  readonly default: () => string | number | boolean | null;
  /** Environment variable that overrides the file. */
  readonly env: string;
  /** One line for `tuxtape config show` and the reference. */
  readonly about: string;
}

function key(type: KeyType, env: string, about: string, fallback: () => string | number | boolean | null): KeySchema {
  return { type, env, about, default: fallback };
}

/** Every key TuxTape knows: the file, the environment and the flags are checked against this one table. */
export const schema = {
  data: key('path', 'TUXTAPE_DATA', 'directory that holds the database, mirrors and livepatches', () =>
    defaultDataDirectory('tuxtape'),
  ),
  'log.level': key('log-level', 'TUXTAPE_LOG_LEVEL', 'least level that is logged on stderr', () => 'warn'),
  'database.url': key(
    'string',
    'DATABASE_URL',
    'external PostgreSQL (15 or newer); empty: one of our own in the data directory',
    () => null,
  ),
  'feed.lore': key(
    'url-or-path',
    'TUXTAPE_FEED_LORE',
    'public-inbox v2 archive of linux-cve-announce',
    () => 'https://lore.kernel.org/linux-cve-announce',
  ),
  'feed.vulns': key(
    'url-or-path',
    'TUXTAPE_FEED_VULNS',
    'vulns.git of the kernel CNA',
    () => 'https://git.kernel.org/pub/scm/linux/security/vulns.git',
  ),
  'feed.interval': key('seconds', 'TUXTAPE_FEED_INTERVAL', 'seconds between two syncs of the server', () => 900),
  'kernel.trees': key(
    'path',
    'TUXTAPE_KERNEL_TREES',
    'directory for kernel build trees; empty: kernels/ in the data directory',
    () => null,
  ),
  'kernel.jobs': key('integer', 'TUXTAPE_KERNEL_JOBS', 'parallel compilations', () => cpus().length),
  'livepatch.fixes': key(
    'url-or-path',
    'TUXTAPE_LIVEPATCH_FIXES',
    'where fixes come from: a directory of `<commit>.patch` or a git mirror',
    () => null,
  ),
  'kernel.chroot': key(
    'path',
    'TUXTAPE_KERNEL_CHROOT',
    'chroot with the compiler for new kernels; empty: this host',
    () => null,
  ),
  'server.host': key('string', 'TUXTAPE_SERVER_HOST', 'address the server listens on', () => '127.0.0.1'),
  'server.port': key('integer', 'TUXTAPE_SERVER_PORT', 'port the server listens on; 0 = any free one', () => 8460),
} as const satisfies Record<string, KeySchema>;

export type ConfigKey = keyof typeof schema;

export const configKeys = Object.keys(schema) as ConfigKey[];
