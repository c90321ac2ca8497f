import { resolve } from 'node:path';
import type { Command } from 'commander';
import { addKernelFromSource, kernelTrees, sourceMirrors } from '#pipeline';
import type { Context } from '../context.ts';
import { changeText, patchText } from './kernel-text.ts';

interface AddOptions {
  readonly source: string;
  readonly config: string;
  readonly chroot?: string;
  readonly arch?: string;
  readonly cross?: string;
  readonly patches?: string;
  readonly acceptConfigChanges?: boolean;
  readonly acceptFuzz?: boolean;
}

export const SOURCE_FORMS = 'kernel source: a directory, a tarball, git:ADDRESS#REF, a .dsc or a linux-source .deb';

const EXAMPLES = `
Examples:
  tuxtape kernel add web --source linux-6.1.170 --config web.config --chroot /srv/trixie
  tuxtape kernel add web --source linux-6.1.170.tar.xz --patches ./patches --config web.config
  tuxtape kernel add web --source git:https://git.example.org/linux.git#v6.1.170 --config web.config
  tuxtape kernel add web-arm --source linux-6.1.170 --config arm.config --arch aarch64 --cross aarch64-linux-gnu-`;

export function registerKernelAdd(kernel: Command, context: Context): void {
  kernel
    .command('add')
    .description('add a kernel from its source, its patches and its .config')
    .argument('<name>', 'a name of yours')
    .requiredOption('--source <source>', SOURCE_FORMS)
    .requiredOption('--config <file>', 'the .config it runs with')
    .option('--patches <dir>', 'local patches: in the order of its "series" file, else *.patch by name')
    .option('--accept-fuzz', 'take patches whose context does not fit in full')
    .option('--chroot <dir>', 'toolchain: a chroot or an imported image with the compiler (default: this host)')
    .option('--arch <word>', 'x86_64 or aarch64 (default: what the toolchain compiles for)')
    .option('--cross <prefix>', 'prefix of the cross compiler, e.g. aarch64-linux-gnu-')
    .option('--accept-config-changes', 'go on although the source changes choices of the configuration')
    .addHelpText('after', EXAMPLES)
    .action((name: string, options: AddOptions) => add(context, name, options));
}

async function add(context: Context, name: string, options: AddOptions): Promise<void> {
  const config = await context.config();
  const store = await context.store();
  const { arch, cross, patches } = options;
  const result = await context.progress(
    'copying and configuring the source',
    () =>
      addKernelFromSource({
        store,
        trees: kernelTrees(config),
        mirrors: sourceMirrors(config),
        name,
        source: options.source,
        config: resolve(options.config),
        chroot: options.chroot === undefined ? config.text('kernel.chroot') : resolve(options.chroot),
        arch,
        cross,
        patches: patches === undefined ? undefined : resolve(patches),
        acceptChanges: options.acceptConfigChanges === true,
        acceptFuzz: options.acceptFuzz === true,
        signal: context.signal,
      }),
    'nothing of it was kept; run it again to add the kernel',
  );
  const { kernel, keptTree, toolchainChanges, acceptedChanges } = result;
  context.print(result, () =>
    [
      `added kernel "${name}": ${kernel.version}, ${kernel.arch}, ${kernel.toolchain.compiler}`,
      ...(keptTree ? ['its tree was there already and is used again'] : []),
      ...result.patches.map((patch) => `applied ${patchText(patch)}`),
      ...acceptedChanges.map((change) => `accepted: ${changeText(change)}`),
      ...toolchainChanges.map((change) => `set by the toolchain: ${changeText(change)}`),
      `next: tuxtape kernel build ${name}`,
    ].join('\n'),
  );
}
