import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { HostPlaces } from '../host-door.ts';
import { defaults, parseSettings, places, readSettings, type Settings } from '../settings.ts';

const options = {
  config: { type: 'string', default: places.config },
  state: { type: 'string', default: places.state },
  run: { type: 'string', default: places.run },
  root: { type: 'string' },
  archive: { type: 'string' },
  ring: { type: 'string' },
  soak: { type: 'string' },
  grace: { type: 'string' },
  transition: { type: 'string' },
  health: { type: 'string' },
  textfile: { type: 'string' },
  server: { type: 'string' },
  'token-file': { type: 'string' },
  name: { type: 'string' },
  'server-ca': { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
  timer: { type: 'boolean', default: false },
} as const;

export interface Arguments {
  readonly words: readonly string[];
  readonly places: HostPlaces;
  /** What the command line says beside the configuration file. */
  readonly given: Readonly<Partial<Record<keyof Settings, unknown>>>;
  /** Root of trust that `setup` takes over. */
  readonly root: string | undefined;
  readonly json: boolean;
  readonly help: boolean;
  /** `setup` starts the timer. */
  readonly timer: boolean;
  /** `setup` enrols this host there; null: at no server. */
  readonly enrol: {
    readonly server: string;
    readonly tokenFile: string;
    readonly name?: string;
    readonly ca?: string;
  } | null;
}

/** Errors: TypeError, for what is no argument. */
export function readArguments(): Arguments {
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const { config, state, run, root, archive, ring, soak, grace, transition, health, textfile } = values;
  const given = {
    ...(archive !== undefined && { archive }),
    ...(ring !== undefined && { ring }),
    ...(soak !== undefined && { soakSeconds: Number(soak) }),
    ...(grace !== undefined && { graceSeconds: Number(grace) }),
    ...(transition !== undefined && { transitionSeconds: Number(transition) }),
    ...(health !== undefined && { health: health.split(' ') }),
    ...(textfile !== undefined && { textfile }),
  };
  return {
    words: positionals,
    places: { config, state, run, root: root ?? join(config, 'root.json') },
    given,
    root,
    json: values.json,
    help: values.help,
    timer: values.timer,
    enrol: enrolOf(values),
  };
}

function enrolOf(values: {
  readonly server?: string | undefined;
  readonly 'token-file'?: string | undefined;
  readonly name?: string | undefined;
  readonly 'server-ca'?: string | undefined;
}): Arguments['enrol'] {
  const { server, name, 'token-file': tokenFile, 'server-ca': ca } = values;
  if (server === undefined && tokenFile === undefined) return null;
  if (server === undefined || tokenFile === undefined) throw new TypeError('--server and --token-file belong together');
  return { server, tokenFile, ...(name !== undefined && { name }), ...(ca !== undefined && { ca }) };
}

/** The configuration file with what the command line says over it. Errors: settings-invalid, TypeError. */
export async function settingsOf({ places, given }: Arguments): Promise<Settings> {
  const isWhole = given.archive !== undefined;
  const read = isWhole ? await readSettings(places.config).catch(() => defaults) : await readSettings(places.config);
  return parseSettings({ ...read, ...given });
}
