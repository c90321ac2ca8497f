export { type ConfigCode, ConfigError } from './error.ts';
export { type Config, type LoadOptions, loadConfig, toEnvironment } from './load.ts';
export { type ConfigKey, configKeys, type KeySchema, schema } from './schema.ts';
