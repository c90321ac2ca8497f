import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Profile } from '#domain';
import { targetsOf } from '#kernel';
import { addKernelFromSource, kernelTrees, profileAgain, profileOf } from '#pipeline';
import { type KernelRow, listKernels, needKernel } from '#store';
import type { Context } from '../context.ts';
import { table } from '../text.ts';
import { registerKernelHosts } from './kernel-hosts.ts';

interface AddOptions {
  readonly source: string;
  readonly config: string;
  readonly chroot?: string;
  readonly acceptConfigChanges?: boolean;
}

export function registerKernel(program: Command, context: Context): void {
  const kernel = program.command('kernel').description('kernels: source, configuration, toolchain, build, profile');
  kernel
    .command('add')
    .description('add a kernel from a source directory and its .config')
    .argument('<name>', 'a name of yours')
    .requiredOption('--source <dir>', 'kernel source')
    .requiredOption('--config <file>', 'the .config it runs with')
    .option('--chroot <dir>', 'toolchain: a chroot with the compiler (default: this host)')
    .option('--accept-config-changes', 'go on although the source changes choices of the configuration')
    .addHelpText(
      'after',
      '\nExample:\n  tuxtape kernel add web --source linux-6.1.170 --config web.config --chroot /srv/trixie',
    )
    .action((name: string, options: AddOptions) => add(context, name, options));
  kernel
    .command('profile')
    .description('read the profile of a built kernel again, and sum it up')
    .argument('<name>', 'name, id or build-id')
    .addHelpText('after', '\nExample:\n  tuxtape kernel profile web')
    .action((name: string) => profile(context, name));
  kernel
    .command('list')
    .description('the kernels there are')
    .action(() => list(context));
  kernel
    .command('show')
    .description('one kernel')
    .argument('<name>', 'name, id or build-id')
    .action((name: string) => show(context, name));
  registerKernelHosts(kernel, context);
}

async function add(context: Context, name: string, options: AddOptions): Promise<void> {
  const config = await context.config();
  const store = await context.store();
  const chroot = options.chroot === undefined ? config.text('kernel.chroot') : resolve(options.chroot);
  const result = await context.progress('copying and configuring the source', () =>
    addKernelFromSource({
      store,
      trees: kernelTrees(config),
      name,
      source: resolve(options.source),
      config: resolve(options.config),
      chroot,
      acceptChanges: options.acceptConfigChanges === true,
    }),
  );
  const { kernel, keptTree, toolchainChanges } = result;
  context.print(result, () => {
    const remarks = [
      keptTree ? 'its tree was there already and is used again' : '',
      toolchainChanges.length > 0
        ? `${toolchainChanges.length} symbols that describe the toolchain were set by it`
        : '',
    ];
    return [
      `added kernel "${name}": ${kernel.version}, ${kernel.toolchain.compiler}`,
      ...remarks.filter(Boolean),
      `next: tuxtape kernel build ${name}`,
    ].join('\n');
  });
}

async function profile(context: Context, name: string): Promise<void> {
  const store = await context.store();
  const result = await profileAgain(store, name);
  context.print({ kernel: result.kernel.name, ...summary(result.profile) }, () => summaryText(result.profile));
}

export function summary(profile: Profile): {
  objects: number;
  inVmlinux: number;
  inModules: number;
  modules: number;
  files: number;
  unreadable: readonly string[];
} {
  const targets = targetsOf(profile);
  const inVmlinux = targets.get('vmlinux') ?? 0;
  const modules = [...targets].filter(([name]) => name !== 'vmlinux' && name !== 'image');
  const inModules = modules.reduce((sum, [, count]) => sum + count, 0);
  return {
    objects: profile.objects.length,
    inVmlinux,
    inModules,
    modules: modules.length,
    files: profile.files.size,
    unreadable: profile.unreadable,
  };
}

export function summaryText(profile: Profile): string {
  const { objects, inVmlinux, inModules, modules, files, unreadable } = summary(profile);
  const warning =
    unreadable.length === 0
      ? ''
      : `\nWARNING: ${unreadable.length} command files could not be read; no CVE is dismissed by this profile`;
  return `profile: ${objects} objects (${inVmlinux} in vmlinux, ${inModules} in ${modules} modules) from ${files} files${warning}`;
}

async function list(context: Context): Promise<void> {
  const { db } = await context.store();
  const kernels = await listKernels(db);
  context.print(kernels, () =>
    kernels.length === 0
      ? 'There is no kernel yet: add one with "tuxtape kernel add".'
      : table(['NAME', 'VERSION', 'STATE', 'BUILD-ID', 'TOOLCHAIN'], kernels.map(row)),
  );
}

function row(kernel: KernelRow): string[] {
  return [
    kernel.name,
    kernel.version,
    kernel.bundled ? 'sample' : kernel.state,
    kernel.buildId ?? '',
    kernel.toolchain.compiler,
  ];
}

async function show(context: Context, name: string): Promise<void> {
  const { db } = await context.store();
  const kernel = await needKernel(db, name);
  const found = await profileOf(db, kernel);
  context.print({ ...kernel, profile: found && summary(found) }, () =>
    [
      `name       ${kernel.name}${kernel.bundled ? '  (sample that comes with TuxTape)' : ''}`,
      `version    ${kernel.version}${kernel.release === null ? '' : `, uname -r: ${kernel.release}`}, ${kernel.arch}`,
      `build-id   ${kernel.buildId ?? 'not built yet'}`,
      `config     sha256 ${kernel.configSha256}`,
      `toolchain  ${kernel.toolchain.compiler}${kernel.toolchain.root === null ? '' : ` in ${kernel.toolchain.root}`}`,
      `tree       ${kernel.treeDirectory || 'none'}`,
      found ? summaryText(found) : 'profile: none yet',
    ].join('\n'),
  );
}
