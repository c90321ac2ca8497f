import { cpus } from 'node:os';
import { defaultDataDirectory } from '#host';

/**
 * Types a configuration value can have. `path` is made absolute; `seconds` is a number greater than zero; `source` is a
 * URL, a path or "none".
 */
export type KeyType = 'string' | 'path' | 'url-or-path' | 'source' | 'integer' | 'seconds' | 'boolean' | 'log-level';

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
  'signals.nvd.url': key(
    'source',
    'TUXTAPE_SIGNALS_NVD_URL',
    'CVE API 2.0 of NVD; none: not read',
    () => 'https://services.nvd.nist.gov/rest/json/cves/2.0',
  ),
  'signals.nvd.key': key('string', 'TUXTAPE_SIGNALS_NVD_KEY', 'API key of NVD; empty: asked without one', () => null),
  'signals.nvd.interval': key('seconds', 'TUXTAPE_SIGNALS_NVD_INTERVAL', 'seconds between two readings', () => 7_200),
  'signals.kev.url': key(
    'source',
    'TUXTAPE_SIGNALS_KEV_URL',
    "CISA's catalog of known exploited vulnerabilities: URL or file; none: not read",
    () => 'https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json',
  ),
  'signals.kev.interval': key('seconds', 'TUXTAPE_SIGNALS_KEV_INTERVAL', 'seconds between two readings', () => 21_600),
  'signals.vulnrichment.url': key(
    'source',
    'TUXTAPE_SIGNALS_VULNRICHMENT_URL',
    "CISA's Vulnrichment: git URL, repository or unpacked folder; none: not read",
    () => 'https://github.com/cisagov/vulnrichment.git',
  ),
  'signals.vulnrichment.interval': key(
    'seconds',
    'TUXTAPE_SIGNALS_VULNRICHMENT_INTERVAL',
    'seconds between two readings',
    () => 21_600,
  ),
  'signals.epss.url': key(
    'source',
    'TUXTAPE_SIGNALS_EPSS_URL',
    'daily CSV of EPSS: URL or file, gzipped or not; none: not read',
    () => 'https://epss.empiricalsecurity.com/epss_scores-current.csv.gz',
  ),
  'signals.epss.interval': key(
    'seconds',
    'TUXTAPE_SIGNALS_EPSS_INTERVAL',
    'seconds between two readings',
    () => 43_200,
  ),
  'signals.exploits.directory': key(
    'source',
    'TUXTAPE_SIGNALS_EXPLOITS_DIRECTORY',
    'public exploits as kernelCTF files them: git URL, repository or folder; none: not read',
    () => 'https://github.com/google/security-research.git',
  ),
  'signals.exploits.list': key(
    'source',
    'TUXTAPE_SIGNALS_EXPLOITS_LIST',
    'public exploits as a list: URL or file with a CVE id and a place on each line; none: not read',
    () => null,
  ),
  'signals.exploits.interval': key(
    'seconds',
    'TUXTAPE_SIGNALS_EXPLOITS_INTERVAL',
    'seconds between two readings',
    () => 86_400,
  ),
  'kernel.trees': key(
    'path',
    'TUXTAPE_KERNEL_TREES',
    'directory for kernel build trees; empty: kernels/ in the data directory',
    () => null,
  ),
  'kernel.jobs': key('integer', 'TUXTAPE_KERNEL_JOBS', 'parallel compilations', () => cpus().length),
  'kernel.builds': key(
    'integer',
    'TUXTAPE_KERNEL_BUILDS',
    'kernels the server builds at a time; 0: it builds none',
    () => 1,
  ),
  'fleet.list-age': key(
    'seconds',
    'TUXTAPE_FLEET_LIST_AGE',
    "seconds after which a host's list of modules says nothing any more",
    () => 604_800,
  ),
  'livepatch.fixes': key(
    'url-or-path',
    'TUXTAPE_LIVEPATCH_FIXES',
    'where fixes come from: a directory of `<commit>.patch`, a git mirror, `git:ADDRESS` or the https address of a page of cgit',
    () => null,
  ),
  'livepatch.builders': key(
    'boolean',
    'TUXTAPE_LIVEPATCH_BUILDERS',
    'true: what the machine builds by itself is made by builders that lease it from the server',
    () => false,
  ),
  'builder.server': key(
    'string',
    'TUXTAPE_BUILDER_SERVER',
    'address of the server that this machine makes livepatches for: https, or http on this machine',
    () => null,
  ),
  'builder.token-file': key(
    'path',
    'TUXTAPE_BUILDER_TOKEN_FILE',
    'file with the token that "tuxtape builder add" made on the server',
    () => null,
  ),
  'kernel.chroot': key(
    'path',
    'TUXTAPE_KERNEL_CHROOT',
    'chroot with the compiler for new kernels; empty: this host',
    () => null,
  ),
  'archive.directory': key(
    'path',
    'TUXTAPE_ARCHIVE_DIRECTORY',
    'archive that the server keeps alive and rolls releases out from; empty: none',
    () => null,
  ),
  'archive.keys': key(
    'path',
    'TUXTAPE_ARCHIVE_KEYS',
    'folder with the keys of its online roles (rollout, snapshot, timestamp), and no others',
    () => null,
  ),
  'archive.interval': key(
    'seconds',
    'TUXTAPE_ARCHIVE_INTERVAL',
    'seconds between two rounds of the rollout controller',
    () => 30,
  ),
  'gate.processes': key(
    'integer',
    'TUXTAPE_GATE_PROCESSES',
    'processes that hosts check in at; 0: no host can check in',
    () => 0,
  ),
  'gate.host': key('string', 'TUXTAPE_GATE_HOST', 'address that hosts check in at', () => '127.0.0.1'),
  'gate.port': key('integer', 'TUXTAPE_GATE_PORT', 'port that hosts check in at', () => 8461),
  'gate.cert': key(
    'path',
    'TUXTAPE_GATE_CERT',
    'certificate of the gate, PEM; empty: no TLS, on loopback only',
    () => null,
  ),
  'gate.key': key('path', 'TUXTAPE_GATE_KEY', 'private key of that certificate, PEM', () => null),
  'gate.interval': key('seconds', 'TUXTAPE_GATE_INTERVAL', 'seconds between two check-ins of a host', () => 300),
  'gate.most-per-minute': key(
    'integer',
    'TUXTAPE_GATE_MOST_PER_MINUTE',
    'check-ins of one host in a minute; more are refused, and the host is marked',
    () => 20,
  ),
  'notify.smtp.host': key('string', 'TUXTAPE_NOTIFY_SMTP_HOST', 'mail server; empty: no mail is sent', () => null),
  'notify.smtp.port': key('integer', 'TUXTAPE_NOTIFY_SMTP_PORT', 'port of the mail server', () => 587),
  'notify.smtp.security': key(
    'string',
    'TUXTAPE_NOTIFY_SMTP_SECURITY',
    'starttls, tls, or none (only for a server on this machine)',
    () => 'starttls',
  ),
  'notify.smtp.from': key('string', 'TUXTAPE_NOTIFY_SMTP_FROM', 'address that mail is sent from', () => null),
  'notify.smtp.user': key('string', 'TUXTAPE_NOTIFY_SMTP_USER', 'user of the mail server; empty: no login', () => null),
  'notify.smtp.password-file': key(
    'path',
    'TUXTAPE_NOTIFY_SMTP_PASSWORD_FILE',
    'file with the password of that user',
    () => null,
  ),
  'notify.name': key('string', 'TUXTAPE_NOTIFY_NAME', 'name of this installation in what it sends', () => null),
  'notify.interval': key(
    'seconds',
    'TUXTAPE_NOTIFY_INTERVAL',
    'seconds between two looks for what is to be told',
    () => 30,
  ),
  'notify.allow-private': key(
    'boolean',
    'TUXTAPE_NOTIFY_ALLOW_PRIVATE',
    'true: webhooks may lead into a private network',
    () => false,
  ),
  'server.host': key('string', 'TUXTAPE_SERVER_HOST', 'address the server listens on', () => '127.0.0.1'),
  'server.port': key('integer', 'TUXTAPE_SERVER_PORT', 'port the server listens on; 0 = any free one', () => 8460),
  'server.origin': key(
    'string',
    'TUXTAPE_SERVER_ORIGIN',
    'https address at which people reach the server through a proxy, as https://tuxtape.example.org; empty: the loopback address',
    () => null,
  ),
  'server.proxies': key(
    'string',
    'TUXTAPE_SERVER_PROXIES',
    'addresses or networks of these proxies, with commas; empty: the loopback address',
    () => null,
  ),
  'oidc.issuer': key(
    'string',
    'TUXTAPE_OIDC_ISSUER',
    'address of an OpenID Connect provider at which people log in; empty: none',
    () => null,
  ),
  'oidc.client-id': key('string', 'TUXTAPE_OIDC_CLIENT_ID', 'what the provider calls this server', () => null),
  'oidc.client-secret-file': key(
    'path',
    'TUXTAPE_OIDC_CLIENT_SECRET_FILE',
    'file whose first line is the secret that the provider gave this server',
    () => null,
  ),
} as const satisfies Record<string, KeySchema>;

export type ConfigKey = keyof typeof schema;

export const configKeys = Object.keys(schema) as ConfigKey[];
