import type { Command } from 'commander';
import { databaseState } from '#store';
import type { Context } from '../context.ts';
import { table } from '../text.ts';

export function registerDb(program: Command, context: Context): void {
  const db = program.command('db').description('the database');
  db.command('migrate')
    .description('bring the database to this version (every command does so when it starts)')
    .action(() => status(context));
  db.command('status')
    .description('which server, and which migrations it has')
    .action(() => status(context));
}

async function status(context: Context): Promise<void> {
  const store = await context.store();
  const { migrations } = await databaseState(store.db);
  context.print(
    { server: store.server, migrations },
    () =>
      `${store.server}\n${table(
        ['MIGRATION', 'APPLIED'],
        migrations.map(({ name, appliedAt }) => [name, appliedAt === null ? 'no' : appliedAt.toISOString()]),
      )}`,
  );
}
