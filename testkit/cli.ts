import { join } from 'node:path';
import { plainEnvironment, run } from '#host';

const TUXTAPE = join(import.meta.dirname, '../bin/tuxtape');

export interface CliResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const ANY_CODE = Array.from({ length: 256 }, (_, code) => code);

/** Runs the real `tuxtape` with a plain environment; any exit code is an answer. */
export async function tuxtape(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CliResult> {
  const options = { env: plainEnvironment(env), okCodes: ANY_CODE, timeoutMs: 120_000, maxOutput: 64 << 20 };
  return run(TUXTAPE, args, options);
}
