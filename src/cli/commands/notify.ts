import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { silentAfterMs } from '#domain';
import { systemClock } from '#host';
import { type NotifyTurn, notify, notifySettings, testChannel } from '#pipeline';
import { type ChannelStatus, listChannels } from '#store';
import type { Context } from '../context.ts';
import { ago, inert, table } from '../text.ts';
import { registerChannels } from './notify-channels.ts';
import { registerRules } from './notify-rules.ts';

/** `tuxtape notify`: who is told what. */
export function registerNotify(program: Command, context: Context): void {
  const group = program
    .command('notify')
    .description('mail, webhooks and chat: who is told what, and whether it arrives');
  registerChannels(group, context);
  registerRules(group, context);
  group
    .command('status')
    .description('channels, what waits for each, and what keeps it')
    .action(async () => showStatus(context, await listChannels((await context.store()).db)));
  group
    .command('test')
    .description('send a test over a channel, now')
    .argument('<channel>', 'its name')
    .action(async (name: string) => {
      const settings = notifySettings(await context.config());
      const store = await context.store();
      const id = randomUUID();
      await testChannel({ store, clock: systemClock, settings, signal: context.signal }, name, id);
      context.print({ channel: name, id, sent: true }, () => `${name} took it (id ${id})`);
    });
  group
    .command('run')
    .description('look for what is to be told and send what is due, as the server does by itself')
    .option('--no-silent', 'say of no host that it is silent (the gate has just begun to listen)')
    .action(async ({ silent }: { silent: boolean }) => {
      const config = await context.config();
      const store = await context.store();
      const before = new Date(Date.now() - silentAfterMs(config.number('gate.interval')));
      const settings = notifySettings(config);
      const silentBefore = silent ? before : null;
      const turns = await notify({ store, clock: systemClock, settings, silentBefore, signal: context.signal });
      context.print(
        turns,
        () => turns.map(turnText).join('\n') || 'There is no channel: "tuxtape notify channel add".',
      );
    });
}

function turnText({ channel, sent, failure }: NotifyTurn): string {
  const what = failure === null ? '' : `; ${inert(failure.what)} [${failure.code}], it is sent later`;
  return `${channel}: ${sent} sent${what}`;
}

function showStatus(context: Context, channels: readonly ChannelStatus[]): void {
  const now = Date.now();
  context.print(channels, () =>
    channels.length === 0
      ? 'There is no channel yet: "tuxtape notify channel add" makes one.'
      : table(
          ['CHANNEL', 'KIND', 'TO', 'STATE', 'WAITING', 'OLDEST', 'GIVEN UP', 'LAST SENT'],
          channels.map((row) => [
            ...[row.name, row.kind, row.target.join(' ') || 'in its file', stateText(row, now), row.waiting],
            ...[row.oldestWaiting === null ? '' : ago(row.oldestWaiting, now), row.gaveUp],
            row.sentAt === null ? 'never' : ago(row.sentAt, now),
          ]),
        ),
  );
}

function stateText({ failures, failingSince, error, sentAt }: ChannelStatus, now: number): string {
  if (failures === 0) return sentAt === null ? 'not used yet' : 'works';
  const since = failingSince === null ? '' : ` since ${ago(failingSince, now)}`;
  return `FAILS${since} (${failures} times): ${error?.what ?? ''} [${error?.code ?? 'unknown'}]`;
}
