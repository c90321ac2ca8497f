import { resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { Command } from 'commander';
import { systemClock } from '#host';
import type { RunningComparison } from '#kernel';
import {
  compareWithRunning,
  type Imported,
  importBuildTree,
  importConfig,
  importDebug,
  kernelTrees,
  sourceMirrors,
} from '#pipeline';
import type { Context, Step } from '../context.ts';
import { inert } from '../text.ts';
import { SOURCE_FORMS } from './kernel-add.ts';
import { comparisonText, originText, summary, summaryText } from './kernel-text.ts';

interface ImportFlags {
  readonly build?: string;
  readonly debug?: string;
  readonly config?: string;
  readonly source?: string;
  readonly copy?: boolean;
  readonly chroot?: string;
  readonly toolchain?: string;
  readonly arch?: string;
  readonly cross?: string;
  readonly complete?: boolean;
  readonly acceptConfigChanges?: boolean;
}

const EXAMPLES = `
Examples:
  tuxtape kernel import web --build /srv/linux-build                    a tree that was built elsewhere
  tuxtape kernel import web --debug ./debug --source linux-6.1.170      vmlinux and modules with debug information
  tuxtape kernel import web --config web.config --source linux-6.1.170  no build: predicted`;

export function registerKernelImport(kernel: Command, context: Context): void {
  kernel
    .command('import')
    .description('know a kernel that is not built here: a build tree, a debug package, or configuration and source')
    .argument('<name>', 'a name of yours')
    .option('--build <dir>', 'a finished build, with or without O=')
    .option('--debug <dir>', 'an unpacked debug package: vmlinux and modules')
    .option('--complete', 'with --debug: every module is in it; else only a modules.dep or modules.order in it says so')
    .option('--config <file>', 'its .config, with --source: the profile is a prediction')
    .option('--source <source>', SOURCE_FORMS)
    .option('--copy', 'with --build: copy the tree instead of linking to it')
    .option('--chroot <dir>', 'its toolchain: with --config, the tree is prepared, too, and can be built')
    .option('--toolchain <dir>', 'the same as --chroot')
    .option('--arch <word>', 'x86_64 or aarch64 (default: what its configuration says)')
    .option('--cross <prefix>', 'prefix of the cross compiler')
    .option('--accept-config-changes', 'go on although the source changes choices of the configuration')
    .addHelpText('after', EXAMPLES)
    .action((name: string, flags: ImportFlags, command: Command) => {
      const forms = [flags.build, flags.debug, flags.config].filter((form) => form !== undefined);
      if (forms.length !== 1) command.error('give exactly one of --build, --debug and --config');
      if (flags.config !== undefined && flags.source === undefined) command.error('--config needs --source');
      return importOne(context, name, flags);
    });
  kernel
    .command('compare')
    .description('say how a kernel here differs from the one that runs')
    .argument('<name>', 'name, id or build-id')
    .requiredOption(
      '--running <file>',
      '/proc/version, /proc/config.gz, /sys/kernel/notes or a vmlinux; -: standard input',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  ssh web1 cat /proc/version | tuxtape kernel compare web --running -\n  ssh web1 cat /sys/kernel/notes | tuxtape kernel compare web --running -      is it this very build?',
    )
    .action((name: string, { running }: { running: string }) => compare(context, name, running));
}

async function importOne(context: Context, name: string, flags: ImportFlags): Promise<void> {
  const imported = await context.progress(
    `importing kernel ${name}`,
    (step) => run(context, name, flags, step),
    'nothing of it was kept; run it again to import the kernel',
  );
  const { kernel, profile, notes = [], comparison } = imported;
  context.print({ kernel, profile: summary(profile), notes, comparison }, () =>
    [
      `imported kernel "${name}": ${kernel.version}, ${kernel.arch}, known ${originText(kernel)}`,
      summaryText(profile),
      ...notes.map(inert),
      ...(comparison === null ? [] : [comparisonText(comparison), ...proofsNeed(name, comparison)]),
      `next: tuxtape triage --kernel ${name}`,
    ].join('\n'),
  );
}

/** Another compiler is no fault of the import, but the end of every proof that compiles. */
function proofsNeed(name: string, { differences }: RunningComparison): string[] {
  if (!differences.some(({ what }) => what === 'compiler')) return [];
  return [
    'proofs by compilation ("triage prove") need the compiler that made this kernel: forget it with',
    `"tuxtape kernel remove ${name}" and import it again with --chroot DIR, a toolchain that holds that compiler`,
  ];
}

async function run(context: Context, name: string, flags: ImportFlags, step: Step): Promise<Imported> {
  const config = await context.config();
  const given = flags.chroot ?? flags.toolchain;
  const base = {
    store: await context.store(),
    trees: kernelTrees(config),
    mirrors: sourceMirrors(config),
    name,
    source: flags.source ?? null,
    chroot: given === undefined ? config.text('kernel.chroot') : resolve(given),
    cross: flags.cross,
    signal: context.signal,
  };
  if (flags.build !== undefined)
    return importBuildTree({ ...base, build: flags.build, copy: flags.copy === true, clock: systemClock });
  if (flags.debug !== undefined)
    return importDebug({ ...base, debug: flags.debug, complete: flags.complete === true, onProgress: step });
  return importConfig({
    ...base,
    source: flags.source ?? '',
    config: resolve(flags.config ?? ''),
    arch: flags.arch,
    acceptChanges: flags.acceptConfigChanges === true,
    prepare: given !== undefined || flags.cross !== undefined,
  });
}

async function compare(context: Context, name: string, running: string): Promise<void> {
  const store = await context.store();
  const from = running === '-' ? await buffer(process.stdin) : resolve(running);
  const result = await compareWithRunning(store, name, from);
  context.print(result, () => comparisonText(result));
}
