import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Passphrase } from '#archive';
import { readPassphrase } from './commands/reviewer.ts';
import { CliError } from './error.ts';

/** Asks on the terminal, without showing what is typed; null where there is no terminal. Never from an argument: those can be seen. */
export async function promptPassphrase(question: string): Promise<string | null> {
  if (!process.stdin.isTTY) return null;
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  // Asked only now: the terminal shows what is typed no more.
  process.stderr.write(question);
  try {
    const answer = await new Promise<string>((resolve) => {
      lines.once('line', resolve);
      lines.once('close', () => resolve(''));
    });
    return answer === '' ? null : answer;
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}

/** For keys that are to sign: from the file where one is named, else asked for, key by key. */
export async function passphraseSource(file: string | undefined): Promise<Passphrase> {
  const given = await readPassphrase(file);
  return (name) => (given === null ? promptPassphrase(`passphrase of the key "${name}": `) : Promise.resolve(given));
}

/** For a new key: from the file, else asked for twice. Errors: passphrase-empty, also where the two differ. */
export async function newPassphrase(file: string | undefined): Promise<string> {
  const given = await readPassphrase(file);
  if (given !== null) return given;
  const first = await promptPassphrase('new passphrase: ');
  if (first !== null && first === (await promptPassphrase('the same again: '))) return first;
  throw new CliError('passphrase-empty', 'input', {
    what: first === null ? 'there is no passphrase' : 'the two passphrases differ',
    where: 'the terminal',
    remedy: 'give it in a file with --passphrase-file, or use --plain for a key that nothing guards',
  });
}
