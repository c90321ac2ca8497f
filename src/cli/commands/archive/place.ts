import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type ArchivePlace, type PendingChange, type Published, writePending } from '#archive';
import { systemClock } from '#host';
import { passphraseSource } from '../../passphrase.ts';

export interface KeyFlags {
  readonly keys: readonly string[];
  readonly passphraseFile?: string;
}

export interface PlaceFlags extends KeyFlags {
  readonly archive: string;
}

/** As `collect`, of a flag that has to be given. */
function another(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** Flags of every command that signs. */
export function withKeys(command: Command): Command {
  return command
    .requiredOption('--keys <dir>', 'folder of keys; may be given again', another)
    .option('--passphrase-file <file>', 'file that holds the passphrase of encrypted keys (default: asked for)');
}

export async function placeOf(directory: string, { keys, passphraseFile }: KeyFlags): Promise<ArchivePlace> {
  return {
    directory: resolve(directory),
    keys: keys.map((one) => resolve(one)),
    clock: systemClock,
    passphrase: await passphraseSource(passphraseFile),
  };
}

export interface ProposeFlags {
  readonly propose?: string;
}

export function withPropose(command: Command): Command {
  return command.option(
    '--propose <file>',
    'publish nothing: write the change to a file, for other holders of keys to sign',
  );
}

/** Where the change went that was not published; null: it was. */
export async function keepPending<T>(published: Published<T>, { propose }: ProposeFlags): Promise<string | null> {
  if (published.pending === null || propose === undefined) return null;
  await writePending(resolve(propose), published.pending);
  return waiting(published.pending, resolve(propose));
}

export function waiting({ documents }: PendingChange, file: string): string {
  return `nothing is published yet: ${documents.length} documents wait for signatures in ${file}\nnext: "tuxtape archive root sign ${file} --keys DIR" by each holder, then "tuxtape archive root apply ${file} ARCHIVE --keys DIR"`;
}
