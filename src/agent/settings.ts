import { join } from 'node:path';
import { hasCode, messageOf } from '#domain';
import { readLimited } from '#host';
import { AgentError } from './error.ts';

/** Where things are on a host. `--folder` and `--state` move them, for tests and unusual hosts. */
export const places = {
  config: '/etc/tuxtape',
  state: '/var/lib/tuxtape-agent',
  run: '/run/tuxtape',
} as const;

const MAX_BYTES = 64 << 10;
const MOST_LABELS = 32;
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** `/etc/tuxtape/agent.json`: the host's own configuration. Nobody but its owner sets it. */
export interface Settings {
  /** Base address of the archive. */
  readonly archive: string;
  /** Who gets a release first; chosen by the host, never by a server. */
  readonly ring: string;
  readonly soakSeconds: number;
  readonly graceSeconds: number;
  readonly transitionSeconds: number;
  /** Program and arguments that say by exit code 0 that the host is well; null: none. */
  readonly health: readonly [string, ...string[]] | null;
  /** What else this host is known by, as its rack or cluster: who must never go together. */
  readonly labels: Readonly<Record<string, string>>;
  /** Folder of node-exporter's textfile collector; null: none. */
  readonly textfile: string | null;
}

export const defaults = {
  ring: 'default',
  soakSeconds: 600,
  graceSeconds: 120,
  transitionSeconds: 60,
  health: null,
  labels: {},
  textfile: null,
} as const satisfies Omit<Settings, 'archive'>;

/** Errors: settings-invalid. */
export async function readSettings(folder: string): Promise<Settings> {
  const path = join(folder, 'agent.json');
  try {
    return parseSettings(JSON.parse((await readLimited(path, MAX_BYTES)).toString('utf8')));
  } catch (error) {
    const missing = hasCode(error, 'file-missing');
    throw new AgentError('settings-invalid', 'input', {
      what: missing ? 'the agent is not set up' : `the configuration cannot be used: ${messageOf(error)}`,
      where: path,
      remedy: 'run "tuxtape-agent setup --archive URL --root FILE"',
      cause: error,
    });
  }
}

/** Strict: a name that is not known may be a slip that leaves a guard out. Errors: TypeError, which says what is wrong. */
export function parseSettings(value: unknown): Settings {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('it is no JSON object');
  const fields: Readonly<Record<string, unknown>> = { ...defaults, ...value };
  const known = new Set<string>(['archive', ...Object.keys(defaults)]);
  const unknown = Object.keys(fields).find((name) => !known.has(name));
  if (unknown !== undefined) throw new TypeError(`"${unknown}" is not known`);
  const { archive, ring, soakSeconds, graceSeconds, transitionSeconds, health, labels, textfile } = fields;
  if (typeof archive !== 'string' || !/^https?:\/\/\S+$/.test(archive))
    throw new TypeError('"archive" is no http address');
  if (typeof ring !== 'string' || !NAME.test(ring)) throw new TypeError('"ring" is no name');
  if (textfile !== null && !isPath(textfile)) throw new TypeError('"textfile" is no absolute path');
  if (!isLabels(labels)) throw new TypeError('"labels" is no object of names and texts');
  const healthy = health === null || (Array.isArray(health) && isPath(health[0]) && health.every(isText));
  if (!healthy) throw new TypeError('"health" is no list of an absolute path and arguments');
  return {
    archive,
    ring,
    soakSeconds: seconds('soakSeconds', soakSeconds, 0, 86_400),
    graceSeconds: seconds('graceSeconds', graceSeconds, 0, 3_600),
    transitionSeconds: seconds('transitionSeconds', transitionSeconds, 1, 3_600),
    health: health as Settings['health'],
    labels,
    textfile,
  };
}

function seconds(name: string, value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new TypeError(`"${name}" is no whole number of seconds from ${least} to ${most}`);
}

function isLabels(value: unknown): value is Settings['labels'] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const all = Object.entries(value);
  return (
    all.length <= MOST_LABELS && all.every(([name, text]) => NAME.test(name) && isText(text) && text.length <= 128)
  );
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0');
}

function isPath(value: unknown): value is string {
  return isText(value) && value.startsWith('/');
}
