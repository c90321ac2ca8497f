import { readLimited } from '#host';
import { BackupError } from './error.ts';

const MAX_BYTES = 4 << 10;

/** The first line of a file, without the space around it. Errors: file-missing, file-unreadable, passphrase-wanted. */
export async function readPassphrase(file: string): Promise<string> {
  const text = (await readLimited(file, MAX_BYTES)).toString('utf8');
  const passphrase = text.split(/\r?\n/, 1)[0]!.trim();
  if (passphrase !== '') return passphrase;
  throw new BackupError('passphrase-wanted', 'input', {
    what: 'the file with the passphrase is empty',
    where: file,
    remedy: 'put the passphrase on its first line',
  });
}
