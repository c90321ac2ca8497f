import { isAbsolute, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { environment, exists, readLimited } from '#host';
import { ConfigError } from './error.ts';
import { nearest } from './nearest.ts';
import { type ConfigKey, configKeys, type KeySchema, schema } from './schema.ts';

const MAX_CONFIG_BYTES = 1 << 20;

export type Source = 'default' | `file ${string}` | `environment ${string}` | `flag --${string}`;
type Value = string | number | boolean | null;

/** Values with the place each came from. */
export interface Config {
  readonly values: ReadonlyMap<ConfigKey, { readonly value: Value; readonly source: Source }>;
  text(key: ConfigKey): string | null;
  need(key: ConfigKey): string;
  number(key: ConfigKey): number;
}

export interface LoadOptions {
  /** Path of the TOML file; undefined: `TUXTAPE_CONFIG`, else `tuxtape.toml` in the data directory if it is there. */
  readonly file?: string | undefined;
  /** Values given by flags: key → text, and the name of the flag. */
  readonly flags?: ReadonlyMap<ConfigKey, { readonly value: string; readonly flag: string }>;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads the configuration: defaults, then one TOML file, then the environment, then flags.
 * Errors: config-syntax, config-unknown-key (with the nearest known key), config-bad-value.
 */
export async function loadConfig(options: LoadOptions = {}): Promise<Config> {
  const env = options.env ?? environment();
  const values = new Map<ConfigKey, { value: Value; source: Source }>();
  for (const name of configKeys) values.set(name, { value: schema[name].default(), source: 'default' });
  for (const layer of [readFlags(options.flags), readEnvironment(env)])
    if (layer.has('data')) values.set('data', layer.get('data')!);
  const file = options.file ?? env['TUXTAPE_CONFIG'] ?? (await defaultFile(String(values.get('data')!.value)));
  if (file !== undefined) for (const [name, entry] of await readFile(file)) values.set(name, entry);
  for (const [name, entry] of readEnvironment(env)) values.set(name, entry);
  for (const [name, entry] of readFlags(options.flags)) values.set(name, entry);
  return asConfig(values);
}

function asConfig(values: ReadonlyMap<ConfigKey, { value: Value; source: Source }>): Config {
  const text = (key: ConfigKey): string | null => {
    const value = values.get(key)?.value ?? null;
    return value === null ? null : String(value);
  };
  return {
    values,
    text,
    need: (key) => {
      const value = text(key);
      if (value === null)
        throw new ConfigError('config-bad-value', 'input', {
          what: `"${key}" is not set`,
          where: key,
          remedy: hint(key),
        });
      return value;
    },
    number: (key) => Number(values.get(key)?.value),
  };
}

/** The configuration as environment variables, for a program of ours that is started with it. */
export function toEnvironment({ values }: Config): Record<string, string> {
  const entries = configKeys.map((name) => [schema[name].env, values.get(name)?.value ?? null] as const);
  return Object.fromEntries(
    entries.flatMap(([variable, value]) => (value === null ? [] : [[variable, String(value)] as const])),
  );
}

async function defaultFile(data: string): Promise<string | undefined> {
  const file = resolve(data, 'tuxtape.toml');
  return (await exists(file)) ? file : undefined;
}

async function readFile(file: string): Promise<Map<ConfigKey, { value: Value; source: Source }>> {
  const found = new Map<ConfigKey, { value: Value; source: Source }>();
  let table: Record<string, unknown>;
  try {
    table = parse((await readLimited(file, MAX_CONFIG_BYTES)).toString('utf8'));
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw new ConfigError('config-syntax', 'input', {
      what: `not valid TOML: ${error.message.split('\n')[0]}`,
      where: `${file}:${error.line}:${error.column}`,
      remedy: 'correct the line; nothing was changed',
      cause: error,
    });
  }
  for (const [name, value] of flatten(table, ''))
    found.set(known(name, file), { value: check(known(name, file), value, file), source: `file ${file}` });
  return found;
}

function* flatten(table: Record<string, unknown>, prefix: string): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries(table)) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)) {
      yield* flatten(value as Record<string, unknown>, `${prefix}${name}.`);
    } else yield [`${prefix}${name}`, value];
  }
}

function known(name: string, where: string): ConfigKey {
  if (Object.hasOwn(schema, name)) return name as ConfigKey;
  const guess = nearest(name, configKeys);
  throw new ConfigError('config-unknown-key', 'input', {
    what: `unknown key "${name}"`,
    where,
    remedy: guess
      ? `did you mean "${guess}"? "tuxtape config show" lists every key`
      : '"tuxtape config show" lists every key',
  });
}

function readEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Map<ConfigKey, { value: Value; source: Source }> {
  const found = new Map<ConfigKey, { value: Value; source: Source }>();
  for (const name of configKeys) {
    const variable = schema[name].env;
    const text = env[variable];
    if (text !== undefined && text !== '')
      found.set(name, { value: check(name, text, variable), source: `environment ${variable}` });
  }
  return found;
}

function readFlags(flags: LoadOptions['flags']): Map<ConfigKey, { value: Value; source: Source }> {
  const found = new Map<ConfigKey, { value: Value; source: Source }>();
  for (const [name, { value, flag }] of flags ?? [])
    found.set(name, { value: check(name, value, `--${flag}`), source: `flag --${flag}` });
  return found;
}

function hint(name: ConfigKey): string {
  return `set it in tuxtape.toml, with ${schema[name].env}, or with a flag (${schema[name].about})`;
}

function check(name: ConfigKey, value: unknown, where: string): Value {
  const bad = (wanted: string): ConfigError =>
    new ConfigError('config-bad-value', 'input', {
      what: `"${name}" wants ${wanted}, not ${JSON.stringify(value)}`,
      where,
      remedy: schema[name].about,
    });
  const { type }: KeySchema = schema[name];
  switch (type) {
    case 'integer':
    case 'seconds': {
      const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
      const least = type === 'seconds' ? 1 : 0;
      if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < least)
        throw bad(`a whole number from ${least}`);
      return number;
    }
    case 'boolean':
      if (value === true || value === 'true') return true;
      if (value === false || value === 'false') return false;
      throw bad('true or false');
    case 'log-level':
      if (typeof value === 'string' && ['debug', 'info', 'warn', 'error', 'silent'].includes(value)) return value;
      throw bad('debug, info, warn, error or silent');
    default:
      if (typeof value !== 'string' || value === '' || value.includes('\0')) throw bad('a text that is not empty');
      if (type === 'source' && value === 'none') return null;
      return type === 'path' || (/^(?:url-or-path|source)$/.test(type) && !/:\/\/|^git:/.test(value))
        ? absolute(value)
        : value;
  }
}

function absolute(path: string): string {
  return isAbsolute(path) ? path : resolve(path);
}
