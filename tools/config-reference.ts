/** Writes docs/reference/config.md from the one table of settings. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configKeys, schema } from '#config';

const FILE = join(import.meta.dirname, '../docs/reference/config.md');
/** Defaults that depend on the machine are described, not computed. */
const DESCRIBED: Readonly<Record<string, string>> = {
  data: '`$XDG_DATA_HOME/tuxtape` (`~/.local/share/tuxtape`)',
  'kernel.jobs': 'the number of cores',
};

export function configReference(): string {
  const rows = configKeys.map((key) => {
    const { type, env, about, default: fallback } = schema[key];
    const value = fallback();
    const text = DESCRIBED[key] ?? (value === null ? '(not set)' : `\`${String(value)}\``);
    return `| \`${key}\` | ${type} | ${text} | \`${env}\` | ${about} |`;
  });
  return `# Configuration

One TOML file: \`tuxtape.toml\` in the data directory, or the one named by \`--config-file\` or \`TUXTAPE_CONFIG\`. A key \`feed.lore\` is
\`lore\` in the table \`[feed]\`. A flag overrides the environment, which overrides the file, which overrides the default; an unknown key
is an error that names the nearest one. \`tuxtape config show\` says where each value came from.

| Key | Type | Default | Environment | Meaning |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}

if (import.meta.main) writeFileSync(FILE, configReference());
