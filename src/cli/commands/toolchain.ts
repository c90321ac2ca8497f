import { resolve } from 'node:path';
import type { Command } from 'commander';
import { crossPrefix, identifyToolchain, importImage, makeChroot } from '#kernel';
import type { Context } from '../context.ts';
import { toolchainLines } from './kernel-text.ts';

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
    .command('import')
    .description('unpack a container image into a folder that is used like a chroot')
    .argument('<image>', 'an OCI image layout, or what "docker save" and "podman save" write, as one .tar')
    .argument('<dir>', 'where; it must not exist yet')
    .addHelpText('after', '\nExample:\n  tuxtape toolchain import builder.tar /srv/builder')
    .action((image: string, directory: string) => importOne(context, resolve(image), resolve(directory)));
  toolchain
    .command('show')
    .description('which compiler, linker and tools a toolchain has')
    .argument('[dir]', 'a chroot or an imported image; none: this host')
    .option('--cross <prefix>', 'prefix of a cross compiler, e.g. aarch64-linux-gnu-')
    .action(async (directory: string | undefined, { cross }: { cross?: string }) => {
      const prefix = cross === undefined ? undefined : crossPrefix(cross);
      const found = await identifyToolchain(directory === undefined ? null : resolve(directory), prefix);
      context.print(found, () =>
        [...toolchainLines(found), found.root === null ? 'on this host' : ''].join('\n').trim(),
      );
    });
}

async function importOne(context: Context, image: string, directory: string): Promise<void> {
  const { how, digest } = await context.progress(`unpacking ${image}`, (step) => importImage(image, directory, step));
  const found = await identifyToolchain(directory);
  context.print({ ...found, how, digest }, () =>
    [how === 'made' ? 'unpacked:' : 'it is there already:', ...toolchainLines(found)].join('\n'),
  );
}
