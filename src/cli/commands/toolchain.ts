import { resolve } from 'node:path';
import type { Command } from 'commander';
import { identifyToolchain, makeChroot } from '#kernel';
import type { Context } from '../context.ts';

const DEFAULT_SUITE = 'trixie';

export function registerToolchain(program: Command, context: Context): void {
  const toolchain = program.command('toolchain').description('compilers and tools in a chroot');
  toolchain
    .command('make')
    .description('make a chroot with a compiler and kpatch-build from a Debian suite (needs root)')
    .argument('<dir>', 'where')
    .option('--suite <name>', 'Debian suite that has kpatch-build', DEFAULT_SUITE)
    .addHelpText('after', '\nExample:\n  sudo tuxtape toolchain make /srv/trixie')
    .action(async (directory: string, { suite }: { suite: string }) => {
      let lines = 0;
      const how = await context.progress(`making a ${suite} chroot`, (step) =>
        makeChroot(resolve(directory), suite, (text) => {
          lines += text.split('\n').length - 1;
          step(lines, null, text.trim().split('\n').at(-1) ?? '');
        }),
      );
      const found = await identifyToolchain(resolve(directory));
      context.print(
        { ...found, how },
        () => `${how === 'made' ? 'made' : 'it is there already'}: ${found.compiler} in ${found.root}`,
      );
    });
  toolchain
    .command('show')
    .description('which compiler a toolchain has')
    .argument('[dir]', 'a chroot; none: this host')
    .action(async (directory: string | undefined) => {
      const found = await identifyToolchain(directory === undefined ? null : resolve(directory));
      context.print(found, () => `${found.compiler} ${found.root === null ? 'on this host' : `in ${found.root}`}`);
    });
}
