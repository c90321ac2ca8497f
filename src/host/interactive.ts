import { spawn } from 'node:child_process';
import { plainEnvironment } from './process.ts';

const MAX_ERRORS = 64 << 10;

/** A program that is talked to while it runs. */
export interface Interactive {
  write(text: string): void;
  onOutput(listener: (chunk: string) => void): void;
  /** What it printed on stderr, its last part. */
  errors(): string;
  /** Resolves when it has ended, however. */
  readonly ended: Promise<void>;
  kill(): Promise<void>;
}

/** Starts a program with pipes for its input and output; it does not outlive this process. */
export function startInteractive(program: string, args: readonly string[]): Interactive {
  const child = spawn(program, args, { env: plainEnvironment(), stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors = (errors + chunk).slice(-MAX_ERRORS);
  });
  child.stdout.setEncoding('latin1');
  child.stdin.on('error', () => {});
  const ended = new Promise<void>((resolve) => {
    child.on('close', () => resolve());
    child.on('error', (error) => {
      errors += error.message;
      resolve();
    });
  });
  const killNow = (): void => void child.kill('SIGKILL');
  process.once('exit', killNow);
  void ended.then(() => process.off('exit', killNow));
  return {
    write: (text) => void child.stdin.write(text),
    onOutput: (listener) => void child.stdout.on('data', listener),
    errors: () => errors,
    ended,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Runs a program that takes over the terminal, and waits for it; true: it ended well. `command`: its words, no shell reads them. */
export async function runOnTerminal(command: readonly string[]): Promise<boolean> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: 'inherit' });
  return new Promise((resolve) => {
    child.on('error', () => resolve(false));
    child.on('close', (code) => resolve(code === 0));
  });
}
