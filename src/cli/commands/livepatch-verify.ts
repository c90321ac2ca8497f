import { resolve } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '#host';
import { checkGate, type GateCheckResult, type ProvedLivepatch, proveLivepatches } from '#pipeline';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { inert } from '../text.ts';
import { recordLine } from './livepatch-approvals.ts';
import { gateChecks, gateSummary } from './livepatch-gate.ts';

interface VerifyOptions {
  readonly reproducer?: string;
  readonly next?: string;
}

/** `tuxtape livepatch verify`: exit code 0 only if every check of every livepatch passed. */
export function registerVerify(livepatch: Command, context: Context): void {
  livepatch
    .command('verify')
    .description('prove livepatches in a virtual machine with the very kernel they are for')
    .argument('<livepatch...>', 'ids or module names; those of one kernel share a machine')
    .option('--reproducer <file>', 'static program or shell script that ends with 0 where the bug is not')
    .option('--next <livepatch>', 'the livepatch that shall replace it and be replaced by it')
    .addHelpText(
      'after',
      '\nExamples:\n  tuxtape livepatch verify tuxtape_d18bd96c_2026_53352_d8f1b1e3\n  tuxtape livepatch verify ID --reproducer ./cve-2026-53352.sh',
    )
    .action(async (keys: readonly string[], { reproducer, next }: VerifyOptions) => {
      const config = await context.config();
      const store = await context.store();
      const dataDirectory = config.need('data');
      let steps = 0;
      const proved = await context.progress('proving the livepatch', (step) =>
        proveLivepatches({
          store,
          dataDirectory,
          livepatches: keys,
          reproducer: reproducer === undefined ? undefined : resolve(reproducer),
          next,
          clock: systemClock,
          onStep: (what) => step((steps += 1), null, what),
        }),
      );
      const [first] = proved;
      if (proved.length === 1 && first !== undefined && 'error' in first) throw first.error;
      if (proved.some((one) => 'error' in one || !one.gate.passed)) process.exitCode = exitCodes.patch;
      const records = new Map<string, GateCheckResult | null>();
      for (const { livepatch: row } of proved) records.set(row.id, await checkGate(store, row));
      const json = proved.map((one) =>
        'gate' in one
          ? { ...one.gate, record: records.get(one.livepatch.id) ?? null }
          : { moduleName: one.livepatch.moduleName, error: one.error },
      );
      context.print(json.length === 1 ? json[0] : json, () =>
        proved.map((one) => textOf(one, records.get(one.livepatch.id) ?? null)).join('\n\n'),
      );
    });
}

function textOf(one: ProvedLivepatch, record: GateCheckResult | null): string {
  const { moduleName } = one.livepatch;
  if ('error' in one) return `module    ${moduleName}\nproof     none: ${inert(one.error.message)}`;
  const { gate } = one;
  return [
    `module    ${moduleName}, kernel ${gate.kernelRelease} (build-id ${gate.buildId.slice(0, 12)})`,
    recordLine(record),
    ...gateSummary(gate),
    ...gateChecks(gate),
  ].join('\n');
}
