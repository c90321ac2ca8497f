import type { Command } from 'commander';
import { systemClock } from '#host';
import { proveLivepatch } from '#pipeline';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { inert } from '../text.ts';

/** `tuxtape livepatch verify`: exit code 0 only if every check passed. */
export function registerVerify(livepatch: Command, context: Context): void {
  livepatch
    .command('verify')
    .description('prove a livepatch in a virtual machine with the very kernel it is for')
    .argument('<livepatch>', 'id or module name')
    .addHelpText('after', '\nExample:\n  tuxtape livepatch verify tuxtape_d18bd96c_2026_53352_d8f1b1e3')
    .action(async (key: string) => {
      const store = await context.store();
      let steps = 0;
      const { gate } = await context.progress('proving the livepatch', (step) =>
        proveLivepatch({ store, livepatch: key, clock: systemClock, onStep: (what) => step((steps += 1), null, what) }),
      );
      if (!gate.passed) process.exitCode = exitCodes.patch;
      context.print(gate, () =>
        [
          ...gate.checks.map(
            ({ name, passed, detail }) => `${passed ? 'ok  ' : 'FAIL'} ${name}: ${inert(detail.split('\n')[0] ?? '')}`,
          ),
          `${gate.passed ? 'passed' : 'DID NOT PASS'} in ${gate.seconds} s on ${gate.machine}, kernel ${gate.kernelRelease} (build-id ${gate.buildId.slice(0, 12)})`,
        ].join('\n'),
      );
    });
}
