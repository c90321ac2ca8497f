import type { Command } from 'commander';
import { profileAgain, profileOf } from '#pipeline';
import { type KernelRow, listKernels, needKernel } from '#store';
import type { Context } from '../context.ts';
import { type RemoteFlags, remoteOf, remoteOptions } from '../remote.ts';
import { table } from '../text.ts';
import { registerKernelAdd } from './kernel-add.ts';
import { registerKernelHosts } from './kernel-hosts.ts';
import { registerKernelImport } from './kernel-import.ts';
import { listRemote, showRemote } from './kernel-remote.ts';
import { registerKernelRemove } from './kernel-remove.ts';
import { changeText, originText, patchText, sourceText, summary, summaryText, toolchainLines } from './kernel-text.ts';

export function registerKernel(program: Command, context: Context): void {
  const kernel = program.command('kernel').description('kernels: source, configuration, toolchain, build, profile');
  registerKernelAdd(kernel, context);
  registerKernelImport(kernel, context);
  kernel
    .command('profile')
    .description('read the profile of a built kernel again, and sum it up')
    .argument('<name>', 'name, id or build-id')
    .addHelpText('after', '\nExample:\n  tuxtape kernel profile web')
    .action((name: string) => profile(context, name));
  remoteOptions(kernel.command('list'))
    .description('the kernels there are')
    .action(async (flags: RemoteFlags) => {
      const client = await remoteOf(flags, context.signal);
      await (client === null ? list(context) : listRemote(context, client));
    });
  remoteOptions(kernel.command('show'))
    .description('one kernel')
    .argument('<name>', 'name, id or build-id')
    .action(async (name: string, flags: RemoteFlags) => {
      const client = await remoteOf(flags, context.signal);
      await (client === null ? show(context, name) : showRemote(context, client, name));
    });
  registerKernelHosts(kernel, context);
  registerKernelRemove(kernel, context);
}

async function profile(context: Context, name: string): Promise<void> {
  const store = await context.store();
  const result = await profileAgain(store, name);
  context.print({ kernel: result.kernel.name, ...summary(result.profile) }, () => summaryText(result.profile));
}

async function list(context: Context): Promise<void> {
  const { db } = await context.store();
  const kernels = await listKernels(db);
  context.print(kernels, () =>
    kernels.length === 0
      ? 'There is no kernel yet: add one with "tuxtape kernel add".'
      : table(['NAME', 'VERSION', 'ARCH', 'STATE', 'BUILD-ID', 'TOOLCHAIN'], kernels.map(row)),
  );
}

function row(kernel: KernelRow): string[] {
  return [
    kernel.name,
    kernel.version,
    kernel.arch,
    kernel.bundled ? 'sample' : stateText(kernel),
    kernel.buildId ?? '',
    kernel.toolchain.compiler,
  ];
}

/** How far a kernel has come, and from what it is known when that is not its own build. */
function stateText({ state, origin }: KernelRow): string {
  const words = {
    built: state,
    'build-tree': 'built elsewhere',
    'debug-info': 'from debug information',
    config: 'predicted',
  } as const;
  return words[origin];
}

async function show(context: Context, name: string): Promise<void> {
  const { db } = await context.store();
  const kernel = await needKernel(db, name);
  const found = await profileOf(db, kernel);
  context.print({ ...kernel, profile: found && summary(found) }, () =>
    [
      `name       ${kernel.name}${kernel.bundled ? '  (sample that comes with TuxTape)' : ''}`,
      `version    ${kernel.version}${kernel.release === null ? '' : `, uname -r: ${kernel.release}`}, ${kernel.arch}`,
      `known      ${originText(kernel)}`,
      `build-id   ${kernel.buildId ?? 'not built yet'}`,
      `source     ${sourceText(kernel)}`,
      ...kernel.patches.map((patch) => `patch      ${patchText(patch)}`),
      `config     ${kernel.configSha256 === '' ? 'not known' : `sha256 ${kernel.configSha256}`}`,
      ...kernel.configChanges.map((change) => `accepted   ${changeText(change)}`),
      ...toolchainLines(kernel.toolchain).map((line) => `toolchain  ${line}`),
      `tree       ${kernel.treeDirectory || 'none'}`,
      found ? summaryText(found) : 'profile: none yet',
    ].join('\n'),
  );
}
