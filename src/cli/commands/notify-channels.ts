import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { isGroupName, type NoticeChannel } from '#domain';
import { systemClock } from '#host';
import { checkAddresses, checkWebhook, readSecret } from '#pipeline';
import { putChannel, removeChannel } from '#store';
import type { Context } from '../context.ts';
import { collect } from '../text.ts';
import { author } from './person.ts';

interface Flags {
  readonly mail: readonly string[];
  readonly webhook?: string;
  readonly secretFile?: string;
  readonly slackFile?: string;
  readonly by?: string;
}

const BY = 'who; default: the user of this session';

/** `tuxtape notify channel`: the places that messages go to. */
export function registerChannels(notify: Command, context: Context): void {
  const channel = notify.command('channel').description('the places that messages go to');
  channel
    .command('add')
    .description('add a channel, or change the one of this name')
    .argument('<name>', 'lower-case letters, digits, ".", "_" and "-"', nameOf)
    .option('--mail <address>', 'a mail address; again for more', collect, [])
    .option('--webhook <url>', 'an https address that signed JSON is posted to')
    .option('--secret-file <file>', 'file with the key that its messages are signed with')
    .option('--slack-file <file>', 'file with the address of an incoming webhook of Slack, Mattermost or Rocket.Chat')
    .option('--by <name>', BY)
    .addHelpText(
      'after',
      '\nExamples:\n  tuxtape notify channel add team --mail security@example.org\n  tuxtape notify channel add siem --webhook https://siem.example.org/in --secret-file /etc/tuxtape/siem.key',
    )
    .action(async (name: string, flags: Flags) => {
      const made = await channelOf(name, flags);
      const { db } = await context.store();
      await putChannel(db, made, author(flags.by), systemClock.now());
      context.print(made, () => `channel ${name} is there; try it: tuxtape notify test ${name}`);
    });
  channel
    .command('remove')
    .description('take a channel away, with its rules and what waits for it')
    .argument('<name>', 'its name')
    .option('--by <name>', BY)
    .action(async (name: string, { by }: { by?: string }) => {
      const { db } = await context.store();
      await removeChannel(db, name, author(by), systemClock.now());
      context.print({ channel: name, removed: true }, () => `channel ${name} is taken away`);
    });
}

function nameOf(text: string): string {
  if (isGroupName(text)) return text;
  throw new InvalidArgumentError('lower-case letters, digits, ".", "_" and "-" are wanted');
}

/** Errors: usage, channel-invalid, address-refused, secret-unreadable. */
async function channelOf(name: string, { mail, webhook, secretFile, slackFile }: Flags): Promise<NoticeChannel> {
  const kinds = [mail.length > 0, webhook !== undefined, slackFile !== undefined].filter(Boolean).length;
  if (kinds !== 1 || (webhook === undefined) !== (secretFile === undefined))
    throw new InvalidArgumentError('give --mail, or --webhook with --secret-file, or --slack-file');
  if (webhook !== undefined) {
    checkWebhook(webhook);
    await readSecret(resolve(secretFile!));
    return { name, kind: 'webhook', target: [webhook], secretFile: resolve(secretFile!) };
  }
  if (slackFile !== undefined) {
    checkWebhook(await readSecret(resolve(slackFile)));
    return { name, kind: 'slack', target: [], secretFile: resolve(slackFile) };
  }
  checkAddresses(mail);
  return { name, kind: 'mail', target: mail, secretFile: null };
}
