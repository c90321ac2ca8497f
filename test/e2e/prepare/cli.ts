import { join } from 'node:path';
import { ProgramError, plainEnvironment, run } from '#host';

const TUXTAPE = join(import.meta.dirname, '../../../bin/tuxtape');
const LONGEST_MS = 80 * 60_000;

export interface Cli {
  /** Runs `tuxtape --json …` and returns what it printed; a failing command throws with what it said. */
  (...args: string[]): Promise<unknown>;
}

/** The real CLI in a data directory, with kernel trees in the cache. */
export function cliIn(data: string, trees: string): Cli {
  const env = plainEnvironment({ TUXTAPE_DATA: data, TUXTAPE_KERNEL_TREES: trees });
  return async (...args) => {
    const started = performance.now();
    try {
      const { stdout } = await run(TUXTAPE, ['--json', ...args], { env, timeoutMs: LONGEST_MS, maxOutput: 256 << 20 });
      return JSON.parse(stdout) as unknown;
    } finally {
      console.log(`  tuxtape ${args.join(' ').slice(0, 110)}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
    }
  };
}

/** Runs a command that must fail, and returns the error it reported as JSON and its exit code. */
export async function failing(
  cli: Promise<unknown>,
): Promise<{ exitCode: number | null; error: { code: string; what: string } }> {
  try {
    await cli;
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    const json = error.stderr.slice(error.stderr.indexOf('{\n'));
    return { exitCode: error.exitCode, ...(JSON.parse(json) as { error: { code: string; what: string } }) };
  }
  throw new TypeError('the command should have failed');
}
