import { LivepatchError } from '../error.ts';
import { diagnoses } from './diagnoses.ts';

/** Turns what a failed engine printed into cause and remedy; an unknown text is kept whole in the log named. */
export function diagnose(output: string, log: string, cause: unknown): LivepatchError {
  for (const { pattern, code, fault, what, remedy } of diagnoses) {
    const match = pattern.exec(output);
    if (match)
      return new LivepatchError(code, fault, {
        what: `${what}: ${match[0].trim().slice(0, 200)}`,
        where: log,
        remedy,
        cause,
      });
  }
  const lastWords = output
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-2)
    .join(' | ')
    .slice(0, 300);
  return new LivepatchError('engine-failed', 'toolchain', {
    what: `the engine failed: ${lastWords}`,
    where: log,
    remedy: 'read the log named above',
    cause,
  });
}
