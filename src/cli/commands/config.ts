import type { Command } from 'commander';
import { configKeys, schema } from '#config';
import type { Context } from '../context.ts';
import { table } from '../text.ts';

/** `tuxtape config show`: every key with its value and where the value came from. */
export function registerConfig(program: Command, context: Context): void {
  const config = program.command('config').description('the configuration and where each value comes from');
  config
    .command('show')
    .description('list every key with its value and source')
    .addHelpText('after', '\nExamples:\n  tuxtape config show\n  TUXTAPE_FEED_INTERVAL=60 tuxtape --json config show')
    .action(async () => show(context));
}

async function show(context: Context): Promise<void> {
  const config = await context.config();
  const rows = configKeys.map((key) => {
    const { value, source } = config.values.get(key)!;
    return {
      key,
      value: key === 'database.url' ? hidePassword(value) : value,
      source,
      type: schema[key].type,
      env: schema[key].env,
      about: schema[key].about,
    };
  });
  context.print(rows, () =>
    table(
      ['KEY', 'VALUE', 'SOURCE', 'ABOUT'],
      rows.map((row) => [row.key, row.value === null ? '(not set)' : String(row.value), row.source, row.about]),
    ),
  );
}

function hidePassword(value: string | number | boolean | null): string | null {
  return value === null ? null : String(value).replace(/:\/\/([^:@/]+):[^@/]*@/, '://$1:…@');
}
