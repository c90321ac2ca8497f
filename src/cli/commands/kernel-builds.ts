import { type Command, InvalidArgumentError } from 'commander';
import { isEnded } from '#domain';
import { systemClock, userName } from '#host';
import { needBuilt, treeLayout } from '#kernel';
import {
  type BuildDoors,
  cancelBuild,
  failureOf,
  profileOf,
  readBuildLog,
  requestBuild,
  workBuilds,
  workUntilEnded,
} from '#pipeline';
import { type KernelBuildRow, listBuilds, needKernel, openQueue } from '#store';
import type { Context, Step } from '../context.ts';
import { byteSize, duration, durationText } from '../quantities.ts';
import { ago, inert, shorten, table, wholeNumber } from '../text.ts';
import { summary, summaryText } from './kernel-text.ts';

const DEFAULT_TIMEOUT = '4h';
const LISTED = 50;
const ERROR_WIDTH = 80;
const NAME = 'name, id or build-id of a kernel (its newest build), or id of a build';

interface BuildFlags {
  readonly jobs?: number;
  readonly timeout: number;
  readonly memory?: number;
  readonly disk?: number;
  readonly detach?: boolean;
}

/** What belongs to builds in the queue, below `kernel`. */
export function registerKernelBuilds(program: Command, context: Context): void {
  const kernel = program.commands.find((command) => command.name() === 'kernel') ?? program.command('kernel');
  kernel
    .command('build')
    .description('build an added kernel and read its profile')
    .argument('<name>', 'name, id or build-id')
    .option('-j, --jobs <n>', 'parallel compilations', atLeastOne)
    .option('--timeout <time>', 'stop it after this time', duration, duration(DEFAULT_TIMEOUT))
    .option('--memory <size>', 'stop it when its programs hold more (default: nine tenths of the machine)', byteSize)
    .option('--disk <size>', 'stop it when its tree is larger (default: while 512 MiB are free)', byteSize)
    .option('--detach', 'put it into the queue and return; the server or "kernel work" builds it')
    .addHelpText(
      'after',
      '\nExamples:\n  tuxtape kernel build web -j 8\n  tuxtape kernel build web --memory 8G --disk 40G --timeout 2h --detach',
    )
    .action((name: string, flags: BuildFlags) => build(context, name, flags));
  kernel
    .command('builds')
    .description('the builds of kernels, newest first')
    .action(() => list(context));
  kernel
    .command('log')
    .description('the log of a build')
    .argument('<build>', NAME)
    .option('--follow', 'go on until the build has ended')
    .addHelpText('after', '\nExample:\n  tuxtape kernel log web --follow')
    .action((key: string, { follow }: { follow?: boolean }) => log(context, key, follow === true));
  kernel
    .command('cancel')
    .description('cancel a build that waits or runs')
    .argument('<build>', NAME)
    .action((key: string) => cancel(context, key));
  kernel
    .command('work')
    .description('build what is in the queue, until Ctrl-C')
    .option('--once', 'end when nothing waits')
    .action(({ once }: { once?: boolean }) => work(context, once === true));
}

function atLeastOne(text: string): number {
  const number = wholeNumber(text);
  if (number < 1) throw new InvalidArgumentError('at least 1 is wanted');
  return number;
}

/** Opens the queue for one command; commands that do not need it never start it. */
async function withQueue<T>(context: Context, body: (doors: BuildDoors) => Promise<T>): Promise<T> {
  const store = await context.store();
  const queue = await openQueue(store);
  try {
    return await body({ store, queue, clock: systemClock });
  } finally {
    await queue.close();
  }
}

async function build(context: Context, name: string, flags: BuildFlags): Promise<void> {
  const config = await context.config();
  await withQueue(context, async (doors) => {
    const { build: asked, joined } = await requestBuild(doors, {
      kernel: name,
      jobs: flags.jobs ?? config.number('kernel.jobs'),
      by: userName(),
      timeoutSeconds: flags.timeout,
      memoryBytes: flags.memory ?? null,
      diskBytes: flags.disk ?? null,
    });
    if (flags.detach === true) {
      context.print({ build: asked, joined }, () =>
        [
          joined
            ? `kernel "${asked.kernel}" is ${asked.state} already: build ${asked.id}, with the limits it was asked for`
            : `kernel "${asked.kernel}" is in the queue: build ${asked.id}`,
          `follow it with: tuxtape kernel log ${asked.kernel} --follow`,
        ].join('\n'),
      );
      return;
    }
    const ended = await context.progress(`building kernel ${name}`, (step) => see(context, doors, asked, step));
    const failure = failureOf(ended);
    if (failure !== undefined) throw failure;
    await printBuilt(context, ended);
  });
}

/** Works the queue until this build is over, and shows how far it is, whoever builds it. */
async function see(context: Context, doors: BuildDoors, asked: KernelBuildRow, step: Step): Promise<KernelBuildRow> {
  const options = {
    ...doors,
    signal: context.signal,
    onProgress: (at: KernelBuildRow, compiled: number, line: string) =>
      step(compiled, at.total, at.id === asked.id ? line : `(first in the queue: ${at.kernel}) ${line}`),
  };
  return workUntilEnded(options, asked.id, (at) => step(at.compiled, at.total, '(built by another worker)'));
}

async function printBuilt(context: Context, { kernelId, kept }: KernelBuildRow): Promise<void> {
  const { db } = await context.store();
  const kernel = await needKernel(db, kernelId);
  const built = await needBuilt(treeLayout(kernel.treeDirectory));
  const profiled = await profileOf(db, kernel);
  context.print({ kernel, built, kept, profile: profiled && summary(profiled) }, () => {
    const how = kept ? 'was built already' : `built in ${built.seconds} s`;
    return `kernel "${kernel.name}" ${how}: ${built.release}, build-id ${built.buildId}\n${profiled ? summaryText(profiled) : ''}`;
  });
}

async function list(context: Context): Promise<void> {
  const { db } = await context.store();
  const builds = await listBuilds(db, LISTED);
  const now = Date.now();
  context.print(builds, () =>
    builds.length === 0
      ? 'No build was asked for yet: ask with "tuxtape kernel build".'
      : table(
          ['BUILD', 'KERNEL', 'STATE', 'ATTEMPT', 'COMPILED', 'ASKED', 'TOOK', 'FIRST ERROR'],
          builds.map((row) => line(row, now)),
        ),
  );
}

function line(row: KernelBuildRow, now: number): (string | number)[] {
  const end = row.endedAt?.getTime() ?? now;
  const took = row.startedAt === null ? '' : durationText(Math.round((end - row.startedAt.getTime()) / 1000));
  const compiled = row.total === null ? `${row.compiled}` : `${row.compiled}/${row.total}`;
  const error = shorten(row.firstError ?? row.error?.what ?? '', ERROR_WIDTH);
  return [
    row.id,
    row.kernel,
    row.state,
    row.attempt,
    row.kept ? 'kept' : compiled,
    ago(row.queuedAt, now),
    took,
    error,
  ];
}

async function log(context: Context, key: string, follow: boolean): Promise<void> {
  const { db } = await context.store();
  const json = context.json;
  const parts: string[] = [];
  const write = (text: string): void => {
    if (json) parts.push(text);
    else process.stdout.write(harmless(text));
  };
  const build = await readBuildLog({ db, key, follow, signal: context.signal, write });
  context.signal.throwIfAborted();
  if (json) context.print({ build, text: parts.join('') }, () => '');
  else if (isEnded(build.state)) process.stderr.write(`the build is ${build.state}${reason(build)}\n`);
}

function reason({ error }: KernelBuildRow): string {
  return error === null ? '' : `: ${inert(error.what)}`;
}

/** A log for a terminal: lines and tabs stay, no other control character does. */
function harmless(text: string): string {
  return text
    .split('\n')
    .map((each) => each.split('\t').map(inert).join('\t'))
    .join('\n');
}

async function cancel(context: Context, key: string): Promise<void> {
  const cancelled = await withQueue(context, (doors) => cancelBuild(doors, key));
  context.print(cancelled, () => `cancelled build ${cancelled.id} of kernel "${cancelled.kernel}"`);
}

async function work(context: Context, once: boolean): Promise<void> {
  const ended: KernelBuildRow[] = [];
  await withQueue(context, (doors) =>
    context.progress('working', (step) => {
      const onProgress = (at: KernelBuildRow, compiled: number, note: string): void =>
        step(compiled, at.total, `${at.kernel}: ${note}`);
      const onEnd = (build: KernelBuildRow): void => {
        ended.push(build);
        process.stderr.write(`kernel "${build.kernel}": ${build.state}${reason(build)}\n`);
      };
      return workBuilds({ ...doors, signal: context.signal, onProgress, onEnd }, once);
    }),
  );
  context.signal.throwIfAborted();
  context.print(ended, () => `${ended.length} builds ended`);
}
