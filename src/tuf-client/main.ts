import { systemClock } from '#host';
import { runTufClient } from './run.ts';

process.exitCode = await runTufClient(process.argv.slice(2), {
  clock: systemClock,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});
