import { join } from 'node:path';
import { type Config, toEnvironment } from '#config';
import { messageOf } from '#domain';
import { type Logger, plainEnvironment, run } from '#host';

const GATE = join(import.meta.dirname, 'main.ts');
const AGAIN_MS = 5_000;

/**
 * Runs so many processes of the gate until the signal. They are apart from the server: what hosts send cannot stop what people do, and one
 * that ends is started again.
 */
export async function runGates(config: Config, stopped: AbortSignal, log: Logger): Promise<void> {
  const count = config.number('gate.processes');
  await Promise.all(Array.from({ length: count }, () => keepOne(config, stopped, log)));
}

async function keepOne(config: Config, signal: AbortSignal, log: Logger): Promise<void> {
  const env = plainEnvironment(toEnvironment(config));
  while (!signal.aborted) {
    try {
      await run(process.execPath, [GATE], {
        env,
        signal,
        keepTail: true,
        onOutput: (text) => void process.stderr.write(text),
      });
    } catch (error) {
      if (!signal.aborted)
        log.error({ error, what: messageOf(error) }, 'a process of the gate ended; it is started again');
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, AGAIN_MS);
      signal.addEventListener('abort', () => resolve(clearTimeout(timer)), { once: true });
      if (signal.aborted) resolve(clearTimeout(timer));
    });
  }
}
