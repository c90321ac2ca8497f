import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** Structured log on stderr: stdout is for results. Messages are constant text; what varies goes into fields. */
export function createLogger(level: string): Logger {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  );
}
