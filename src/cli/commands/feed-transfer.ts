import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { exists, readLimited, systemClock, writeAtomic } from '#host';
import { exportFeed, importFeed } from '#pipeline';
import type { Context } from '../context.ts';
import { CliError } from '../error.ts';

const MAX_KEY_BYTES = 64 << 10;

/** `feed key`, `feed export` and `feed import`: the feed of a site without a network, in one signed file. */
export function registerTransfer(feed: Command, context: Context): void {
  feed
    .command('key')
    .description('make a key that signs exported feeds: NAME.pem (keep it) and NAME.pub.pem (give it away)')
    .argument('<name>', 'path without ending')
    .addHelpText('after', '\nExample:\n  tuxtape feed key /srv/keys/feed')
    .action((name: string) => makeKey(context, name));
  feed
    .command('export')
    .description('write everything that was read into one signed file, for a site without a network')
    .argument('<file>', 'the file to write')
    .requiredOption('--key <pem>', 'private key that signs it')
    .addHelpText('after', '\nExample:\n  tuxtape feed export /media/usb/feed.tuxtape --key /srv/keys/feed.pem')
    .action((file: string, options: { key: string }) => write(context, file, options.key));
  feed
    .command('import')
    .description('take a file that "feed export" wrote, if the key you trust signed it')
    .argument('<file>', 'the file to read')
    .requiredOption('--trust <pem>', 'public key of the site that exports')
    .addHelpText('after', '\nExample:\n  tuxtape feed import /media/usb/feed.tuxtape --trust feed.pub.pem')
    .action((file: string, options: { trust: string }) => take(context, file, options.trust));
}

async function makeKey(context: Context, name: string): Promise<void> {
  const [secret, open] = [`${resolve(name)}.pem`, `${resolve(name)}.pub.pem`];
  for (const path of [secret, open])
    if (await exists(path))
      throw new CliError('key-exists', 'input', {
        what: 'there is a file already; keys are never overwritten',
        where: path,
        remedy: 'choose another name',
      });
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  await writeAtomic(secret, privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600);
  await writeAtomic(open, publicKey.export({ type: 'spki', format: 'pem' }));
  context.print({ private: secret, public: open }, () => `private ${secret}\npublic  ${open}`);
}

async function write(context: Context, file: string, key: string): Promise<void> {
  const signer = await keyAt(key, (pem) => createPrivateKey(pem));
  const options = await transferOptions(context, file);
  const { bytes, parts } = await context.progress('feed export', () => exportFeed(options, signer));
  context.print({ file: options.file, bytes, parts }, () => `${options.file}: ${bytes} bytes, ${parts.join(', ')}`);
}

async function take(context: Context, file: string, trust: string): Promise<void> {
  const trusted = await keyAt(trust, (pem) => createPublicKey(pem));
  const options = await transferOptions(context, file);
  const summary = await context.progress('feed import', () => importFeed(options, trusted));
  context.print(summary, () =>
    [
      `read by the other site on ${summary.made.toISOString()}`,
      `mails:   ${summary.lore?.mails ?? 0} new`,
      `records: ${summary.vulns?.changed ?? 0} changed`,
      ...summary.signals.map(({ source, signals }) => `signals: ${signals} of ${source}`),
      `ranked:  ${summary.ranked} CVEs`,
    ].join('\n'),
  );
}

async function transferOptions(context: Context, file: string) {
  const config = await context.config();
  const store = await context.store();
  return { store, dataDirectory: config.need('data'), clock: systemClock, file: resolve(file) };
}

/** Errors: key-invalid. */
async function keyAt(path: string, read: (pem: Buffer) => KeyObject): Promise<KeyObject> {
  try {
    const key = read(await readLimited(path, MAX_KEY_BYTES));
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch (cause) {
    throw keyInvalid(path, cause);
  }
  throw keyInvalid(path);
}

function keyInvalid(path: string, cause?: unknown): CliError {
  return new CliError('key-invalid', 'input', {
    what: 'this is no Ed25519 key in PEM',
    where: path,
    remedy: 'make one with "tuxtape feed key NAME"',
    cause,
  });
}
